-- Find the orders of a customer, latest first, without reading them all.
--
-- The contract of 0004 builds orders anew and knows nothing of this index, so it has to go first.
--
-- @window storefront >=1.0
-- @needs 0004-order-status-list/contract
-- @residual none

-- @up
CREATE INDEX orders_by_customer ON orders (customer_id, placed_at DESC);

-- @down
DROP INDEX orders_by_customer;
