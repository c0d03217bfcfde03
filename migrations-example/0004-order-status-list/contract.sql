-- Drop the free text, and let only the list's words into state, by building orders anew.
--
-- A CHECK and a NOT NULL cannot be added to a column in place. The order of steps is that of
-- sqlite.org/lang_altertable.html, section 7, with what goes wrong most often: phasedb puts foreign-key
-- enforcement off before the transaction, or DROP TABLE would take the lines of all orders with it;
-- a view, or a trigger of another table, that refers to orders makes the RENAME fail; DROP TABLE forgets
-- the AUTOINCREMENT counter; and indexes go with the table they are on.
--
-- No mail is under way while orders is made anew, because the worker reads an order's state when it sends its mail.
--
-- @window storefront >=2.0
-- @switch order-states full for 7d
-- @lane mail idle within 60s
-- @residual none

-- @up
-- Any row that gets in here would not come back: the constraint refuses it, and names the reason.
CREATE TABLE statuses_that_cannot_return (
  order_id INTEGER CONSTRAINT "every status is its state, or kept beside it as typed" CHECK (false)
);
INSERT INTO statuses_that_cannot_return
SELECT id FROM orders WHERE status IS NOT coalesce(status_note, state);
DROP TABLE statuses_that_cannot_return;

DROP VIEW orders_per_day;
DROP TRIGGER order_lines_revise_order;

CREATE TABLE orders_rebuilt (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
  placed_at TEXT NOT NULL,
  revision INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'new'
    CHECK (state IN ('new', 'paid', 'shipped', 'delivered', 'cancelled', 'review')),
  status_note TEXT
);
INSERT INTO orders_rebuilt (id, customer_id, placed_at, revision, state, status_note)
SELECT id, customer_id, placed_at, revision, state, status_note FROM orders;
DELETE FROM sqlite_sequence WHERE name = 'orders_rebuilt';
INSERT INTO sqlite_sequence (name, seq) SELECT 'orders_rebuilt', seq FROM sqlite_sequence WHERE name = 'orders';
DROP TABLE orders;
ALTER TABLE orders_rebuilt RENAME TO orders;
CREATE INDEX orders_by_day ON orders (placed_at DESC);
CREATE INDEX orders_by_state ON orders (state, placed_at DESC);

-- A note belongs to the state it was typed for.
CREATE TRIGGER orders_outdate_note AFTER UPDATE OF state ON orders
WHEN NEW.state IS NOT OLD.state AND NEW.status_note IS NOT NULL AND NEW.status_note IS OLD.status_note
BEGIN
  UPDATE orders SET status_note = NULL WHERE id = NEW.id;
END;

CREATE TRIGGER order_lines_revise_order AFTER UPDATE OF quantity ON order_lines
WHEN NEW.quantity IS NOT OLD.quantity
BEGIN
  UPDATE orders SET revision = revision + 1 WHERE id = NEW.order_id;
END;

CREATE VIEW orders_per_day AS
SELECT date(placed_at) AS day, count(*) AS orders FROM orders GROUP BY date(placed_at);

-- @down
DROP VIEW orders_per_day;
DROP TRIGGER order_lines_revise_order;

CREATE TABLE orders_rebuilt (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
  placed_at TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'new',
  revision INTEGER NOT NULL DEFAULT 0,
  state TEXT,
  status_note TEXT
);
INSERT INTO orders_rebuilt (id, customer_id, placed_at, status, revision, state, status_note)
SELECT id, customer_id, placed_at, coalesce(status_note, state), revision, state, status_note FROM orders;
DELETE FROM sqlite_sequence WHERE name = 'orders_rebuilt';
INSERT INTO sqlite_sequence (name, seq) SELECT 'orders_rebuilt', seq FROM sqlite_sequence WHERE name = 'orders';
DROP TABLE orders;
ALTER TABLE orders_rebuilt RENAME TO orders;
CREATE INDEX orders_by_day ON orders (placed_at DESC);
CREATE INDEX orders_by_status ON orders (status, placed_at DESC);
CREATE INDEX orders_by_state ON orders (state, placed_at DESC);

CREATE TRIGGER orders_list_new_status AFTER INSERT ON orders
WHEN NEW.state IS NULL
BEGIN
  UPDATE orders
  SET state = iif(lower(trim(status)) IN ('new', 'paid', 'shipped', 'delivered', 'cancelled'),
      lower(trim(status)), 'review'),
    status_note = iif(status IN ('new', 'paid', 'shipped', 'delivered', 'cancelled', 'review'), NULL, status)
  WHERE id = NEW.id;
END;

CREATE TRIGGER orders_tell_new_state AFTER INSERT ON orders
WHEN NEW.state IS NOT NULL AND NEW.status IS NOT coalesce(NEW.status_note, NEW.state)
BEGIN
  UPDATE orders SET status = state, status_note = NULL WHERE id = NEW.id;
END;

CREATE TRIGGER orders_list_status AFTER UPDATE OF status ON orders
WHEN NEW.status IS NOT OLD.status AND NEW.status IS NOT coalesce(NEW.status_note, NEW.state)
BEGIN
  UPDATE orders
  SET state = iif(lower(trim(status)) IN ('new', 'paid', 'shipped', 'delivered', 'cancelled'),
      lower(trim(status)), 'review'),
    status_note = iif(status IN ('new', 'paid', 'shipped', 'delivered', 'cancelled', 'review'), NULL, status)
  WHERE id = NEW.id;
END;

CREATE TRIGGER orders_tell_state AFTER UPDATE OF state ON orders
WHEN NEW.state IS NOT OLD.state AND NEW.state IS NOT NULL
  AND NEW.state IS NOT iif(lower(trim(NEW.status)) IN ('new', 'paid', 'shipped', 'delivered', 'cancelled'),
    lower(trim(NEW.status)), 'review')
BEGIN
  UPDATE orders SET status = state, status_note = NULL WHERE id = NEW.id;
END;

-- A note belongs to the state it was typed for.
CREATE TRIGGER orders_outdate_note AFTER UPDATE OF state ON orders
WHEN NEW.state IS NOT OLD.state AND NEW.status_note IS NOT NULL AND NEW.status_note IS OLD.status_note
BEGIN
  UPDATE orders SET status_note = NULL WHERE id = NEW.id;
END;

CREATE TRIGGER order_lines_revise_order AFTER UPDATE OF quantity ON order_lines
WHEN NEW.quantity IS NOT OLD.quantity
BEGIN
  UPDATE orders SET revision = revision + 1 WHERE id = NEW.order_id;
END;

CREATE VIEW orders_per_day AS
SELECT date(placed_at) AS day, count(*) AS orders FROM orders GROUP BY date(placed_at);

-- @verify every line is of an order
SELECT order_id, product_id FROM order_lines WHERE order_id NOT IN (SELECT id FROM orders);
