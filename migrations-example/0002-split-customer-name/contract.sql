-- Drop the full name and the triggers that kept it.
--
-- Down cannot use ADD COLUMN alone: full_name would become the last column, and an old application that
-- inserts by position would write into the wrong ones. So it builds the table anew.
--
-- @window storefront >=1.6
-- @residual none

-- @up
-- Any row that gets in here would not come back: the constraint refuses it, and names the reason.
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
ALTER TABLE customers DROP COLUMN full_name;

-- @down
CREATE TABLE customers_rebuilt (
  id INTEGER PRIMARY KEY,
  full_name TEXT NOT NULL DEFAULT '',
  email TEXT COLLATE NOCASE CHECK (email LIKE '%_@_%'),
  joined_on TEXT NOT NULL,
  given_name TEXT,
  family_name TEXT
);
INSERT INTO customers_rebuilt (id, full_name, email, joined_on, given_name, family_name)
SELECT id, given_name || coalesce(' ' || family_name, ''), email, joined_on, given_name, family_name
FROM customers;
DROP TABLE customers;
ALTER TABLE customers_rebuilt RENAME TO customers;
CREATE UNIQUE INDEX customers_by_email ON customers (email) WHERE email IS NOT NULL;

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
