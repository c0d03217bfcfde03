"""The tests of storefront 1.4, on the database that PHASEDB_DATABASE names. It has the rows of apps/seed.sql."""

import os
import unittest

from storefront import Storefront


class StorefrontTests(unittest.TestCase):
    def setUp(self):
        self.shop = Storefront(os.environ["PHASEDB_DATABASE"])

    def tearDown(self):
        self.shop.db.close()

    def test_a_name_is_kept_as_it_was_given(self):
        customer = self.shop.sign_up("Grace Brewster Hopper")
        self.assertEqual(self.shop.name(customer), "Grace Brewster Hopper")
        self.shop.rename(customer, "Grace Hopper")
        self.assertEqual(self.shop.name(customer), "Grace Hopper")

    def test_a_price_has_two_decimals(self):
        self.assertEqual(self.shop.set_price("lamp-1", 39.95), 1)
        self.assertEqual(self.shop.price("LAMP-1"), 39.95)

    def test_an_order_is_totalled(self):
        self.shop.set_price("RUG-7", 100.5)
        order = self.shop.order(self.shop.sign_up("Ada"), [(2, 2)])
        self.assertEqual(self.shop.total(order), 201.0)
        self.assertEqual(self.shop.status(order), "new")

    def test_a_status_is_whatever_somebody_types(self):
        order = self.shop.order(1, [(1, 1)])
        self.shop.type_status(order, "ring twice")
        self.assertEqual(self.shop.status(order), "ring twice")


if __name__ == "__main__":
    unittest.main()
