-- Drop the floating-point price, its triggers and the totals computed from it.
--
-- Down builds the table anew, and computes price in the same pass. ADD COLUMN and an UPDATE would do as well:
-- phasedb puts a column back into its place, by a pass of its own. The search table names products in its
-- content option and finds rows by id: both are as before when the rebuild is done.
--
-- @window storefront >=1.8
-- @residual downstream: reports that were exported in cents stay in cents

-- @up
-- Any row that gets in here would not come back: the constraint refuses it, and names the reason.
CREATE TABLE prices_that_cannot_return (
  product_id INTEGER CONSTRAINT "every price is a whole number of cents" CHECK (false)
);
INSERT INTO prices_that_cannot_return SELECT id FROM products WHERE price IS NOT price_cents / 100.0;
DROP TABLE prices_that_cannot_return;

DROP VIEW order_totals;
DROP TRIGGER products_price_cents;
DROP TRIGGER products_count_price;
DROP TRIGGER products_price_new_cents;
DROP TRIGGER products_count_new_price;
ALTER TABLE products DROP COLUMN price;

-- @down
-- A view that refers to the table makes the RENAME below fail while the table is away.
DROP VIEW order_totals_in_cents;

CREATE TABLE products_rebuilt (
  id INTEGER PRIMARY KEY,
  sku TEXT NOT NULL UNIQUE COLLATE NOCASE,
  name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  price REAL NOT NULL DEFAULT 0 CHECK (price >= 0),
  price_cents INTEGER
) STRICT;
INSERT INTO products_rebuilt (id, sku, name, description, price, price_cents)
SELECT id, sku, name, description, price_cents / 100.0, price_cents FROM products;
DROP TABLE products;
ALTER TABLE products_rebuilt RENAME TO products;

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

CREATE TRIGGER products_count_new_price AFTER INSERT ON products
WHEN NEW.price_cents IS NULL
BEGIN
  UPDATE products SET price_cents = CAST(round(price * 100) AS INTEGER) WHERE id = NEW.id;
END;

CREATE TRIGGER products_price_new_cents AFTER INSERT ON products
WHEN NEW.price_cents IS NOT NULL AND NEW.price_cents IS NOT CAST(round(NEW.price * 100) AS INTEGER)
BEGIN
  UPDATE products SET price = price_cents / 100.0 WHERE id = NEW.id;
END;

CREATE TRIGGER products_count_price AFTER UPDATE OF price ON products
WHEN NEW.price IS NOT OLD.price AND NEW.price_cents IS NOT CAST(round(NEW.price * 100) AS INTEGER)
BEGIN
  UPDATE products SET price_cents = CAST(round(price * 100) AS INTEGER) WHERE id = NEW.id;
END;

CREATE TRIGGER products_price_cents AFTER UPDATE OF price_cents ON products
WHEN NEW.price_cents IS NOT OLD.price_cents AND NEW.price_cents IS NOT NULL
  AND NEW.price_cents IS NOT CAST(round(NEW.price * 100) AS INTEGER)
BEGIN
  UPDATE products SET price = price_cents / 100.0 WHERE id = NEW.id;
END;

CREATE VIEW order_totals AS
SELECT order_lines.order_id, sum(order_lines.quantity * products.price) AS total
FROM order_lines JOIN products ON products.id = order_lines.product_id
GROUP BY order_lines.order_id;

CREATE VIEW order_totals_in_cents AS
SELECT order_lines.order_id, sum(order_lines.quantity * products.price_cents) AS total_cents
FROM order_lines JOIN products ON products.id = order_lines.product_id
GROUP BY order_lines.order_id;

-- @verify every product has a price
SELECT id FROM products WHERE price_cents IS NULL;
