-- Give every customer a loyalty tier, 'none' to begin with.
--
-- NOT NULL is safe for a version that does not know the column, because it has a default. 2.1 is the
-- first version that asks for it. The way back of 0002's contract builds customers anew and knows nothing
-- of this column, so that contract has to be applied first, and reversed later.
--
-- @window storefront >=1.0 <2.1
-- @needs 0002-split-customer-name/contract
-- @residual customer: a tier that somebody was told about is forgotten after down

-- @up
ALTER TABLE customers ADD COLUMN loyalty_tier TEXT NOT NULL DEFAULT 'none'
  CHECK (loyalty_tier IN ('none', 'silver', 'gold'));

-- @down
ALTER TABLE customers DROP COLUMN loyalty_tier;
