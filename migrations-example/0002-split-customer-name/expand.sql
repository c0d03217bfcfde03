-- Give customers a given and a family name beside the full one.
--
-- 1.4 writes full_name, 1.6 and later write given_name and family_name. The triggers keep the other
-- side right, whoever writes. The split is at the first space, so that the parts put together give
-- back every full name exactly: 'Ana de la Cruz' is 'Ana' and 'de la Cruz', 'Plato' has no family name.
--
-- @window storefront >=1.0 <1.6
-- @residual support: a given name of two words that 1.6 wrote is split at its first space after down and up

-- @up
ALTER TABLE customers ADD COLUMN given_name TEXT;
ALTER TABLE customers ADD COLUMN family_name TEXT;

CREATE TRIGGER customers_split_new_name AFTER INSERT ON customers
WHEN NEW.given_name IS NULL
BEGIN
  UPDATE customers
  SET given_name = substr(full_name, 1, instr(full_name || ' ', ' ') - 1),
    family_name = substr(full_name, nullif(instr(full_name, ' '), 0) + 1)
  WHERE id = NEW.id;
END;

CREATE TRIGGER customers_join_new_name AFTER INSERT ON customers
WHEN NEW.given_name IS NOT NULL
  AND NEW.full_name IS NOT NEW.given_name || coalesce(' ' || NEW.family_name, '')
BEGIN
  UPDATE customers SET full_name = given_name || coalesce(' ' || family_name, '') WHERE id = NEW.id;
END;

-- The last condition of the next two ends the echo: what one of them writes leaves nothing to do for
-- the other, so 'Mary Ann' + 'Lee' is not split again because full_name followed it.
CREATE TRIGGER customers_split_name AFTER UPDATE OF full_name ON customers
WHEN NEW.full_name IS NOT OLD.full_name
  AND NEW.full_name IS NOT NEW.given_name || coalesce(' ' || NEW.family_name, '')
BEGIN
  UPDATE customers
  SET given_name = substr(full_name, 1, instr(full_name || ' ', ' ') - 1),
    family_name = substr(full_name, nullif(instr(full_name, ' '), 0) + 1)
  WHERE id = NEW.id;
END;

CREATE TRIGGER customers_join_name AFTER UPDATE OF given_name, family_name ON customers
WHEN (NEW.given_name IS NOT OLD.given_name OR NEW.family_name IS NOT OLD.family_name)
  AND NEW.given_name IS NOT NULL
  AND NEW.full_name IS NOT NEW.given_name || coalesce(' ' || NEW.family_name, '')
BEGIN
  UPDATE customers SET full_name = given_name || coalesce(' ' || family_name, '') WHERE id = NEW.id;
END;

-- @down
DROP TRIGGER customers_join_name;
DROP TRIGGER customers_split_name;
DROP TRIGGER customers_join_new_name;
DROP TRIGGER customers_split_new_name;
ALTER TABLE customers DROP COLUMN family_name;
ALTER TABLE customers DROP COLUMN given_name;

-- @verify a name that was split can be put together again
SELECT id FROM customers
WHERE given_name IS NOT NULL AND full_name IS NOT given_name || coalesce(' ' || family_name, '');
