-- Give orders a state from a list beside the status that people type.
--
-- 1.4 to 1.9 write status, 2.0 writes state. Text that is a word of the list, but for case and spaces
-- around it, becomes that word; any other text becomes 'review'. status_note keeps the text wherever it
-- is not the word itself, so that nothing that was typed is lost.
--
-- 2.0 shows customers the state of the list, and mails it to them, only for those for whom the switch is on.
--
-- @window storefront >=1.0 <2.0
-- @switch order-states
-- @residual customer: mails that named a state of the list
-- @effects outbox by id where state = 'sent': customer: mails that were sent since, and may name a state of the list

-- @up
ALTER TABLE orders ADD COLUMN state TEXT;
ALTER TABLE orders ADD COLUMN status_note TEXT;
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

-- @down
DROP TRIGGER orders_outdate_note;
DROP TRIGGER orders_tell_state;
DROP TRIGGER orders_list_status;
DROP TRIGGER orders_tell_new_state;
DROP TRIGGER orders_list_new_status;
DROP INDEX orders_by_state;
ALTER TABLE orders DROP COLUMN status_note;
ALTER TABLE orders DROP COLUMN state;
