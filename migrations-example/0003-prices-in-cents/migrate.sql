-- Count the prices that were there before the triggers.
--
-- @window storefront >=1.0 <1.8
-- @batch products
-- @residual none

-- @up
UPDATE products SET price_cents = CAST(round(price * 100) AS INTEGER)
WHERE id BETWEEN :first AND :last AND price_cents IS NULL;

-- @down
UPDATE products SET price_cents = NULL WHERE id BETWEEN :first AND :last;

-- @verify every price is a whole number of cents
SELECT id, price, price_cents FROM products WHERE price IS NOT price_cents / 100.0;
