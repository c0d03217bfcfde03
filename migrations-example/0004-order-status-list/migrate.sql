-- Find the state of the orders that were there before the triggers.
--
-- A batch is found by its ids, and the + keeps the index on state from being asked instead.
--
-- @window storefront >=1.0 <2.0
-- @batch orders
-- @residual none

-- @up
UPDATE orders
SET state = iif(lower(trim(status)) IN ('new', 'paid', 'shipped', 'delivered', 'cancelled'),
    lower(trim(status)), 'review'),
  status_note = iif(status IN ('new', 'paid', 'shipped', 'delivered', 'cancelled', 'review'), NULL, status)
WHERE id BETWEEN :first AND :last AND +state IS NULL;

-- @down
UPDATE orders SET state = NULL, status_note = NULL WHERE id BETWEEN :first AND :last;

-- @verify every status is its state, or kept beside it as typed
SELECT id, status, state, status_note FROM orders WHERE status IS NOT coalesce(status_note, state);
