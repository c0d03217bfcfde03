-- Give every customer a loyalty tier, 'none' to begin with.
--
-- NOT NULL is safe for a version that does not know the column, because it has a default. 2.1 is the
-- first version that asks for it. The contract of 0002 is on the same table and may come before or after:
-- it only renames a column, in both directions.
--
-- @window storefront >=1.0 <2.1
-- @residual customer: a tier that somebody was told about is forgotten after down

-- @up
ALTER TABLE customers ADD COLUMN loyalty_tier TEXT NOT NULL DEFAULT 'none'
  CHECK (loyalty_tier IN ('none', 'silver', 'gold'));

-- @down
ALTER TABLE customers DROP COLUMN loyalty_tier;
