"""Migrations of one phase, for phasedb and for the shell.

By default each adds a table, an index, and a column on the table before. Those of `change_row` leave the
schema at the size that the first one made.
"""


def up(number):
    statements = [
        f"CREATE TABLE item_{number} (id INTEGER PRIMARY KEY, name TEXT NOT NULL, amount INTEGER);",
        f"CREATE INDEX item_{number}_by_name ON item_{number} (name);",
    ]
    if number > 1:
        statements.append(f"ALTER TABLE item_{number - 1} ADD COLUMN note TEXT;")
    return statements


def down(number):
    statements = [f"DROP INDEX item_{number}_by_name;", f"DROP TABLE item_{number};"]
    if number > 1:
        statements.insert(0, f"ALTER TABLE item_{number - 1} DROP COLUMN note;")
    return statements


def change_row(number):
    if number == 1:
        return ["CREATE TABLE counter (id INTEGER PRIMARY KEY, value INTEGER);"]
    return [f"INSERT INTO counter (id, value) VALUES ({number}, 0);"]


def change_row_back(number):
    return ["DROP TABLE counter;"] if number == 1 else [f"DELETE FROM counter WHERE id = {number};"]


def folder(path, count, up=up, down=down):
    """Writes them as phasedb reads them."""
    for number in range(1, count + 1):
        migration = path / f"{number:04}-item-{number}"
        migration.mkdir(parents=True)
        statements = up(number)
        kind = "expand" if statements[0].startswith("CREATE") else "migrate"
        (migration / f"{kind}.sql").write_text("\n".join([
            f"-- Add item {number}.", "--", "-- @window app >=1.0", "-- @residual none",
            "", "-- @up", *statements, "", "-- @down", *down(number), ""]))
    return path


def shell_script(numbers, direction=up):
    """The same for the shell: one durable transaction for each migration."""
    transactions = ["\n".join(["BEGIN IMMEDIATE;", *direction(number), "COMMIT;"]) for number in numbers]
    return "\n".join(["PRAGMA synchronous = FULL;", *transactions, ""])
