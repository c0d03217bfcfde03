"""Storefront 2.0: a given and a family name, prices in cents, a state from a list."""

import sqlite3

STATES = ("new", "paid", "shipped", "delivered", "cancelled", "review")


class Storefront:
    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA foreign_keys = ON")

    def sign_up(self, given, family=None):
        return self.db.execute(
            "INSERT INTO customers (given_name, family_name, joined_on) VALUES (?, ?, date('now')) RETURNING id",
            (given, family)).fetchone()[0]

    def name(self, customer):
        return self.db.execute("SELECT given_name, family_name FROM customers WHERE id = ?", (customer,)).fetchone()

    def set_price(self, sku, cents):
        return self.db.execute("UPDATE products SET price_cents = ? WHERE sku = ?", (cents, sku)).rowcount

    def prices(self):
        return dict(self.db.execute("SELECT sku, price_cents FROM products"))

    def order(self, customer, lines):
        self.db.execute("BEGIN")
        order = self.db.execute(
            "INSERT INTO orders (customer_id, placed_at, state) VALUES (?, datetime('now'), 'new') RETURNING id",
            (customer,)).fetchone()[0]
        for product, quantity in lines:
            self.db.execute(
                "INSERT INTO order_lines (order_id, product_id, quantity) VALUES (?, ?, ?)",
                (order, product, quantity))
        self.db.execute("COMMIT")
        return order

    def move(self, order, state):
        if state not in STATES:
            raise ValueError(state)
        self.db.execute("UPDATE orders SET state = ? WHERE id = ?", (state, order))

    def state(self, order):
        return self.db.execute("SELECT state FROM orders WHERE id = ?", (order,)).fetchone()[0]

    def total(self, order):
        return self.db.execute(
            "SELECT total_cents FROM order_totals_in_cents WHERE order_id = ?", (order,)).fetchone()[0]
