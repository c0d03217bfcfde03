-- What storefront 1.8 asks: prices in cents; statuses as 1.4 does.

-- @query customer by id
-- @with id = 1
SELECT id, given_name, family_name, email FROM customers WHERE id = :id;

-- @query rename a customer
-- @with id = 2, given = 'Platon'
UPDATE customers SET given_name = :given WHERE id = :id;

-- @query price list
SELECT sku, name, price_cents FROM products ORDER BY sku;

-- @query put a product on sale
-- @with sku = 'POT-3', cents = 1795
UPDATE products SET price_cents = :cents WHERE sku = :sku;

-- @query add a product
INSERT INTO products (sku, name, description, price_cents) VALUES ('JAR-2', 'jar', 'With a lid', 1250);

-- @query totals
SELECT order_id, total_cents FROM order_totals_in_cents ORDER BY order_id;

-- @query type a status
-- @with id = 3, status = 'cancelled'
UPDATE orders SET status = :status WHERE id = :id;

-- @query orders by status
SELECT id, status FROM orders ORDER BY status, id;
