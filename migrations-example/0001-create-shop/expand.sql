-- Create the shop: customers, products, orders and outgoing mail.
--
-- Storefront 1.0 to 1.3 sold from a printed list and asked the database nothing, so they run with
-- and without these tables. 1.4 is the first version that needs them.
--
-- @window storefront >=1.0 <1.4
-- @residual customer: orders that were confirmed by mail are unknown to the shop after down

-- @up
CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  full_name TEXT NOT NULL DEFAULT '',
  email TEXT COLLATE NOCASE CHECK (email LIKE '%_@_%'),
  joined_on TEXT NOT NULL
);
CREATE UNIQUE INDEX customers_by_email ON customers (email) WHERE email IS NOT NULL;

CREATE TABLE products (
  id INTEGER PRIMARY KEY,
  sku TEXT NOT NULL UNIQUE COLLATE NOCASE,
  name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  price REAL NOT NULL DEFAULT 0 CHECK (price >= 0)
) STRICT;

-- The number of an order is on paper at the customer's: AUTOINCREMENT never gives it out again.
CREATE TABLE orders (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
  placed_at TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'new',
  revision INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX orders_by_day ON orders (placed_at DESC);
CREATE INDEX orders_by_status ON orders (status, placed_at DESC);

CREATE TABLE order_lines (
  order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
  product_id INTEGER NOT NULL REFERENCES products (id) ON DELETE CASCADE,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (order_id, product_id)
) WITHOUT ROWID;
CREATE INDEX order_lines_by_product ON order_lines (product_id);

-- What is to be sent to customers. A worker takes a mail by setting its state to 'sending'.
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'sending', 'sent')),
  sent_at TEXT
);
CREATE INDEX outbox_by_state ON outbox (state, id);

CREATE TRIGGER order_lines_revise_order AFTER UPDATE OF quantity ON order_lines
WHEN NEW.quantity IS NOT OLD.quantity
BEGIN
  UPDATE orders SET revision = revision + 1 WHERE id = NEW.order_id;
END;

CREATE VIEW orders_per_day AS
SELECT date(placed_at) AS day, count(*) AS orders FROM orders GROUP BY date(placed_at);

CREATE VIEW order_totals AS
SELECT order_lines.order_id, sum(order_lines.quantity * products.price) AS total
FROM order_lines JOIN products ON products.id = order_lines.product_id
GROUP BY order_lines.order_id;

CREATE VIRTUAL TABLE products_search USING fts5(name, description, content='products', content_rowid='id');
CREATE TRIGGER products_search_insert AFTER INSERT ON products
BEGIN
  INSERT INTO products_search (rowid, name, description) VALUES (NEW.id, NEW.name, NEW.description);
END;
CREATE TRIGGER products_search_delete AFTER DELETE ON products
BEGIN
  INSERT INTO products_search (products_search, rowid, name, description)
  VALUES ('delete', OLD.id, OLD.name, OLD.description);
END;
CREATE TRIGGER products_search_update AFTER UPDATE OF id, name, description ON products
BEGIN
  INSERT INTO products_search (products_search, rowid, name, description)
  VALUES ('delete', OLD.id, OLD.name, OLD.description);
  INSERT INTO products_search (rowid, name, description) VALUES (NEW.id, NEW.name, NEW.description);
END;

-- @down
DROP VIEW order_totals;
DROP VIEW orders_per_day;
DROP TABLE outbox;
DROP TABLE order_lines;
DROP TABLE orders;
DROP TABLE products_search;
DROP TABLE products;
DROP TABLE customers;

-- @verify every order has a date that can be read
SELECT id FROM orders WHERE date(placed_at) IS NULL;
