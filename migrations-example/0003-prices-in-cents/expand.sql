-- Count prices in cents beside the floating-point amount.
--
-- 1.4 to 1.7 write price, 1.8 and later write price_cents. A price of two decimals and its cents say the
-- same: cents / 100.0 is the very floating-point number that the two decimals were read as.
--
-- @window storefront >=1.0 <1.8
-- @residual none

-- @up
ALTER TABLE products ADD COLUMN price_cents INTEGER;

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

-- Both compare in cents, so an amount that 1.4 wrote with a third decimal is not rounded behind its back.
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

CREATE VIEW order_totals_in_cents AS
SELECT order_lines.order_id, sum(order_lines.quantity * products.price_cents) AS total_cents
FROM order_lines JOIN products ON products.id = order_lines.product_id
GROUP BY order_lines.order_id;

-- @down
DROP VIEW order_totals_in_cents;
DROP TRIGGER products_price_cents;
DROP TRIGGER products_count_price;
DROP TRIGGER products_price_new_cents;
DROP TRIGGER products_count_new_price;
ALTER TABLE products DROP COLUMN price_cents;
