-- Rows to test with, as storefront 1.4 would have left them. They go in at the first state on which 1.4 may be live, and
-- are carried through the phases from there.
INSERT INTO customers (id, full_name, email, joined_on) VALUES
  (1, 'Ana de la Cruz', 'ana@example.com', '2024-02-29'),
  (2, 'Plato', NULL, '2023-07-01'),
  (3, 'Siobhán O''Brien', 'siobhan@example.org', '2025-01-15');
INSERT INTO products (id, sku, name, description, price) VALUES
  (1, 'LAMP-1', 'oak lamp', 'Stands on a desk', 49.99),
  (2, 'RUG-7', 'red rug', 'Two metres by three', 120.5),
  (3, 'POT-3', 'teapot', 'Holds a litre', 19.9);
INSERT INTO orders (id, customer_id, placed_at, status, revision) VALUES
  (1, 1, '2025-03-01 10:00:00', 'paid', 0),
  (2, 1, '2025-03-02 11:30:00', ' Shipped ', 1),
  (3, 3, '2025-03-02 12:00:00', 'waiting for a call', 0);
INSERT INTO order_lines (order_id, product_id, quantity) VALUES (1, 1, 2), (1, 3, 1), (2, 2, 1), (3, 3, 4);
INSERT INTO outbox (id, recipient, subject, state, sent_at) VALUES
  (1, 'ana@example.com', 'Your order has been placed', 'sent', '2025-03-01 10:00:07');
