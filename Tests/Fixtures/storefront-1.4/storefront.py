"""Storefront 1.4: a customer has a full name, a price is a number with a fraction, a status is what somebody typed."""

import sqlite3


class Storefront:
    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA foreign_keys = ON")

    def sign_up(self, name, email=None):
        return self.db.execute(
            "INSERT INTO customers (full_name, email, joined_on) VALUES (?, ?, date('now'))", (name, email)
        ).lastrowid

    def rename(self, customer, name):
        self.db.execute("UPDATE customers SET full_name = ? WHERE id = ?", (name, customer))

    def name(self, customer):
        row = self.db.execute("SELECT full_name FROM customers WHERE id = ?", (customer,)).fetchone()
        return row and row[0]

    def set_price(self, sku, price):
        return self.db.execute("UPDATE products SET price = ? WHERE sku = ?", (price, sku)).rowcount

    def price(self, sku):
        return self.db.execute("SELECT price FROM products WHERE sku = ?", (sku,)).fetchone()[0]

    def order(self, customer, lines):
        self.db.execute("BEGIN")
        order = self.db.execute(
            "INSERT INTO orders (customer_id, placed_at) VALUES (?, datetime('now'))", (customer,)).lastrowid
        for product, quantity in lines:
            self.db.execute("INSERT INTO order_lines VALUES (?, ?, ?)", (order, product, quantity))
        self.db.execute("COMMIT")
        return order

    def type_status(self, order, status):
        self.db.execute("UPDATE orders SET status = ? WHERE id = ?", (status, order))

    def status(self, order):
        return self.db.execute("SELECT status FROM orders WHERE id = ?", (order,)).fetchone()[0]

    def total(self, order):
        return self.db.execute("SELECT total FROM order_totals WHERE order_id = ?", (order,)).fetchone()[0]
