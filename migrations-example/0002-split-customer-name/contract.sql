-- Take the full name out of use, with the triggers that kept it.
--
-- Retired, not dropped: phasedb renames the column when the up SQL has run, and gives it its name back before the
-- down SQL runs. That takes a moment whatever the number of customers, and every name is still there. An insert
-- that does not know the column goes in, because it has a default.
--
-- @window storefront >=1.6
-- @retire customers.full_name
-- @residual none

-- @up
-- Down takes any row that says something else than its parts for one that was changed meanwhile. So none may be
-- in between: the constraint refuses it, and names the reason.
CREATE TABLE names_that_cannot_return (
  customer_id INTEGER CONSTRAINT "every full name is its given and its family name" CHECK (false)
);
INSERT INTO names_that_cannot_return
SELECT id FROM customers WHERE full_name IS NOT given_name || coalesce(' ' || family_name, '');
DROP TABLE names_that_cannot_return;

DROP TRIGGER customers_join_name;
DROP TRIGGER customers_split_name;
DROP TRIGGER customers_join_new_name;
DROP TRIGGER customers_split_new_name;

-- @down
-- Only rows that 1.6 or later wrote meanwhile say something else now.
UPDATE customers SET full_name = given_name || coalesce(' ' || family_name, '')
WHERE full_name IS NOT given_name || coalesce(' ' || family_name, '');

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

-- @verify every customer has a given name
SELECT id FROM customers WHERE given_name IS NULL;
