-- Split the names that were there before the triggers.
--
-- Down takes back only what up would write again. A split that somebody chose, such as 'Mary Ann' +
-- 'Lee', says more than the full name does, and stays.
--
-- @window storefront >=1.0 <1.6
-- @batch customers
-- @residual none

-- @up
UPDATE customers
SET given_name = substr(full_name, 1, instr(full_name || ' ', ' ') - 1),
  family_name = substr(full_name, nullif(instr(full_name, ' '), 0) + 1)
WHERE id BETWEEN :first AND :last AND given_name IS NULL;

-- @down
UPDATE customers
SET given_name = NULL, family_name = NULL
WHERE id BETWEEN :first AND :last
  AND given_name IS substr(full_name, 1, instr(full_name || ' ', ' ') - 1)
  AND family_name IS substr(full_name, nullif(instr(full_name, ' '), 0) + 1);

-- @verify every full name is its given and its family name
SELECT id FROM customers WHERE full_name IS NOT given_name || coalesce(' ' || family_name, '');
