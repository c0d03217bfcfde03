"""The tests of storefront 2.0, on the database that PHASEDB_DATABASE names. It has the rows of apps/seed.sql."""

import os
import unittest

from storefront import STATES, Storefront


class StorefrontTests(unittest.TestCase):
    def setUp(self):
        self.shop = Storefront(os.environ["PHASEDB_DATABASE"])

    def tearDown(self):
        self.shop.db.close()

    def test_a_name_has_two_parts(self):
        self.assertEqual(self.shop.name(self.shop.sign_up("Ada", "Lovelace")), ("Ada", "Lovelace"))
        self.assertEqual(self.shop.name(1), ("Ana", "de la Cruz"))

    def test_everything_has_a_price_in_whole_cents(self):
        self.assertEqual(self.shop.set_price("pot-3", 1795), 1)
        prices = self.shop.prices()
        self.assertEqual(prices["POT-3"], 1795)
        self.assertTrue(all(isinstance(price, int) for price in prices.values()))

    def test_an_order_moves_through_the_list(self):
        self.shop.set_price("RUG-7", 10050)
        order = self.shop.order(self.shop.sign_up("Ada"), [(2, 2)])
        self.assertEqual(self.shop.total(order), 20100)
        for state in STATES:
            self.shop.move(order, state)
            self.assertEqual(self.shop.state(order), state)

    def test_every_order_has_a_state(self):
        states = {row[0] for row in self.shop.db.execute("SELECT state FROM orders")}
        self.assertLessEqual(states, set(STATES))


if __name__ == "__main__":
    unittest.main()
