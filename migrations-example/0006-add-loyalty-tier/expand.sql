-- Give every customer a loyalty tier, 'none' to begin with.
--
-- NOT NULL is safe for a version that does not know the column, because it has a default. 2.1 is the
-- first version that asks for it. The contract of 0002 is on the same table and may come before or after:
-- it only renames a column, in both directions.
--
-- @window storefront >=1.0 <2.1
-- @residual customer: a tier that somebody was told about is forgotten after down
--
-- 2.1 gives tiers as soon as the column is there. If it gives them to the wrong people, or orders stop coming, the
-- column goes away again.
-- @watch 30m every 30s settle 1m then reverse

-- @up
ALTER TABLE customers ADD COLUMN loyalty_tier TEXT NOT NULL DEFAULT 'none'
  CHECK (loyalty_tier IN ('none', 'silver', 'gold'));

-- @down
ALTER TABLE customers DROP COLUMN loyalty_tier;

-- @probe nobody is gold without an order
SELECT id FROM customers
WHERE loyalty_tier = 'gold' AND NOT EXISTS (SELECT 1 FROM orders WHERE orders.customer_id = customers.id)
LIMIT 10;
-- @red
UPDATE customers SET loyalty_tier = 'gold' WHERE id = (SELECT min(id) FROM customers);
DELETE FROM orders WHERE customer_id = (SELECT min(id) FROM customers);

-- @probe orders in ten minutes  at least 50% of before, floor 20
SELECT count(*) FROM orders WHERE placed_at > datetime('now', '-10 minutes');
