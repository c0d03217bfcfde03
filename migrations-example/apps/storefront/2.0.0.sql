-- What storefront 2.0 asks: a state from the list, with the note that was typed.

-- @query customer by id
-- @with id = 1
SELECT id, given_name, family_name, email FROM customers WHERE id = :id;

-- @query sign up
-- @as new_customer = id
INSERT INTO customers (given_name, family_name, email, joined_on)
VALUES ('Ada', 'Lovelace', 'ada@example.com', '2025-05-01') RETURNING id;

-- @query price list
SELECT sku, name, price_cents FROM products ORDER BY sku;

-- @query put a product on sale
-- @with sku = 'LAMP-1', cents = 4499
UPDATE products SET price_cents = :cents WHERE sku = :sku;

-- @query place an order
-- @as new_order = id
INSERT INTO orders (customer_id, placed_at, state)
VALUES (:new_customer, '2025-05-01 08:00:00', 'new') RETURNING id;

-- @query put a product into it
-- @with order = :new_order, product = 2, quantity = 3
INSERT INTO order_lines (order_id, product_id, quantity) VALUES (:order, :product, :quantity);

-- @query move an order on
-- @with id = 1, state = 'shipped'
-- @with id = 3, state = 'cancelled'
UPDATE orders SET state = :state WHERE id = :id;

-- @query write a mail that names the state
-- @as new_mail = id
INSERT INTO outbox (recipient, subject)
SELECT 'ada@example.com', 'Your order is ' || state FROM orders WHERE id = 1 RETURNING id, subject;

-- @query take the next mail
UPDATE outbox SET state = 'sending'
WHERE id = (SELECT id FROM outbox WHERE state = 'ready' ORDER BY id LIMIT 1) RETURNING id, recipient, subject;

-- @query note that it was sent
-- @with mail = :new_mail
UPDATE outbox SET state = 'sent', sent_at = '2025-05-01 08:01:00' WHERE id = :mail;

-- @query orders in a state
-- @with state = 'shipped'
SELECT id, state, status_note FROM orders WHERE state = :state ORDER BY placed_at DESC;

-- @query orders to look at
SELECT id, status_note FROM orders WHERE state = 'review' ORDER BY id;

-- @query totals
SELECT order_id, total_cents FROM order_totals_in_cents ORDER BY order_id;
