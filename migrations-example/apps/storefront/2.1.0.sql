-- What storefront 2.1 asks besides: a loyalty tier.

-- @query customer by id
-- @with id = 1
SELECT id, given_name, family_name, loyalty_tier FROM customers WHERE id = :id;

-- @query promote
-- @with id = 2, tier = 'gold'
UPDATE customers SET loyalty_tier = :tier WHERE id = :id;

-- @query a tier that is not there
-- @expect error
UPDATE customers SET loyalty_tier = 'platinum' WHERE id = 2;

-- @query move an order on
-- @with id = 2, state = 'delivered'
UPDATE orders SET state = :state WHERE id = :id;

-- @query orders of a customer
-- @with customer = 1
SELECT id, placed_at, state FROM orders WHERE customer_id = :customer ORDER BY placed_at DESC;
