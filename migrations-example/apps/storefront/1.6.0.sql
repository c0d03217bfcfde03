-- What storefront 1.6 asks: given and family name; prices and statuses as 1.4 does.

-- @query customer by id
-- @with id = 1
SELECT id, given_name, family_name, email FROM customers WHERE id = :id;

-- @query customers by family name
SELECT id, given_name, family_name FROM customers ORDER BY family_name, given_name;

-- @query sign up
-- @with given = 'Grace', family = 'Hopper'
-- @as new_customer = last_insert_rowid()
INSERT INTO customers (given_name, family_name, email, joined_on)
VALUES (:given, :family, 'grace@example.com', '2025-04-01');

-- @query marry
-- @with id = 3, family = 'Byrne'
UPDATE customers SET family_name = :family WHERE id = :id;

-- @query price list
SELECT sku, name, price FROM products ORDER BY sku;

-- @query put a product on sale
-- @with sku = 'LAMP-1', price = 39.5
UPDATE products SET price = :price WHERE sku = :sku;

-- @query place an order
-- @with customer = :new_customer
INSERT INTO orders (customer_id, placed_at) VALUES (:customer, '2025-04-01 09:00:00');

-- @query type a status
-- @with id = 2, status = 'delivered'
UPDATE orders SET status = :status WHERE id = :id;

-- @query orders by status
SELECT id, status FROM orders ORDER BY status, id;
