-- What storefront 1.4 asks: the full name, the price as a number, and a status that people type.

-- @query customer by id
-- @with id = 1
-- @with id = 99
SELECT id, full_name, email, joined_on FROM customers WHERE id = :id;

-- @query customers by name
SELECT id, full_name FROM customers ORDER BY full_name;

-- @query sign up
-- @with name = 'Grace Hopper', email = 'grace@example.com'
-- @as new_customer = last_insert_rowid()
INSERT INTO customers (full_name, email, joined_on) VALUES (:name, :email, '2025-04-01');

-- @query sign up with an address that is taken
-- @expect error
INSERT INTO customers (full_name, email, joined_on) VALUES ('Ana', 'ANA@example.com', '2025-04-01');

-- @query rename a customer
-- @with id = 1, name = 'Ana Ruiz'
UPDATE customers SET full_name = :name WHERE id = :id;

-- @query change an address
-- @with id = 2, email = 'plato@example.com'
UPDATE customers SET email = :email WHERE id = :id;

-- @query price list
SELECT sku, name, price FROM products ORDER BY sku;

-- @query search
-- @with words = 'lamp'
SELECT products.id, products.name, products.price
FROM products_search JOIN products ON products.id = products_search.rowid
WHERE products_search MATCH :words ORDER BY products.id;

-- @query put a product on sale
-- @with sku = 'rug-7', price = 99.95
UPDATE products SET price = :price WHERE sku = :sku;

-- @query add a product
INSERT INTO products (sku, name, description, price) VALUES ('CUP-1', 'cup', 'For tea', 7.25);

-- @query place an order
-- @as new_order = last_insert_rowid()
INSERT INTO orders (customer_id, placed_at) VALUES (:new_customer, '2025-04-01 09:00:00');

-- @query put a product into it
-- @with order = :new_order, product = 1, quantity = 2
-- @with order = :new_order, product = 2, quantity = 1
INSERT INTO order_lines (order_id, product_id, quantity) VALUES (:order, :product, :quantity);

-- @query order more of it
-- @with order = 1, product = 1
UPDATE order_lines SET quantity = quantity + 1 WHERE order_id = :order AND product_id = :product;

-- @query type a status
-- @with id = 1, status = 'delivered'
-- @with id = 3, status = 'called back'
UPDATE orders SET status = :status WHERE id = :id;

-- @query orders of a customer
-- @with customer = 1
SELECT id, placed_at, status, revision FROM orders WHERE customer_id = :customer ORDER BY placed_at DESC;

-- @query totals
SELECT order_id, total FROM order_totals ORDER BY order_id;

-- @query write a mail
-- @with subject = 'Your order has been placed'
-- @as new_mail = last_insert_rowid()
INSERT INTO outbox (recipient, subject) VALUES ('grace@example.com', :subject);

-- @query take the next mail
UPDATE outbox SET state = 'sending'
WHERE id = (SELECT id FROM outbox WHERE state = 'ready' ORDER BY id LIMIT 1) RETURNING id, recipient, subject;

-- @query note that it was sent
-- @with mail = :new_mail
UPDATE outbox SET state = 'sent', sent_at = '2025-04-01 09:01:00' WHERE id = :mail;

-- @query forget a customer
-- @with id = 3
DELETE FROM customers WHERE id = :id;
