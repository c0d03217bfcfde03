"""What an audit costs beside the sqlite3 shell running the same statements, in memory.

139 migrations in the form of Diesel, as a grown project has them: tables, columns, indexes, renames and rebuilds. The
audit runs each up, down and up again with rows, twice for what it compares with; the shell runs the same statements
once: rows in, up, down, up.
"""

import statistics

from . import measure

SIZES = [139, 300, 1000]
# The size and the ratio that the limit is about, and how much more the time per migration may grow up to the largest.
LIMITED, LIMIT = 139, 2.0


def steps(count):
    """The up, the down, and the rows before it, of each migration."""
    made = []
    for number in range(count):
        table = f"t{number // 7}"
        kind = number % 7
        if kind == 0:
            up = (f"CREATE TABLE {table} (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, state TEXT NOT NULL "
                  f"DEFAULT 'new' CHECK (state IN ('new', 'old')), owner INTEGER REFERENCES t0 (id) ON DELETE CASCADE, "
                  f"made_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP);")
            down = f"DROP TABLE {table};"
        elif kind == 1:
            up, down = f"ALTER TABLE {table} ADD COLUMN note TEXT;", f"ALTER TABLE {table} DROP COLUMN note;"
        elif kind == 2:
            up, down = f"CREATE INDEX {table}_name ON {table} (name);", f"DROP INDEX {table}_name;"
        elif kind == 3:
            up = f"ALTER TABLE {table} RENAME COLUMN note TO remark;"
            down = f"ALTER TABLE {table} RENAME COLUMN remark TO note;"
        elif kind == 4:
            def rebuild(size):
                columns = f"id INTEGER PRIMARY KEY AUTOINCREMENT, name {size} NOT NULL, state TEXT NOT NULL DEFAULT 'new' " \
                    f"CHECK (state IN ('new', 'old')), owner INTEGER REFERENCES t0 (id) ON DELETE CASCADE, " \
                    f"made_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, remark TEXT"
                return (f"CREATE TABLE {table}_new ({columns}); INSERT INTO {table}_new SELECT id, name, state, owner, "
                        f"made_at, remark FROM {table}; DROP TABLE {table}; ALTER TABLE {table}_new RENAME TO {table}; "
                        f"CREATE INDEX {table}_name ON {table} (name);")
            up, down = rebuild("VARCHAR(200)"), rebuild("TEXT")
        elif kind == 5:
            up = f"ALTER TABLE {table} ADD COLUMN size INTEGER; UPDATE {table} SET size = length(name);"
            down = f"ALTER TABLE {table} DROP COLUMN size;"
        else:
            up = (f"CREATE TRIGGER {table}_sized AFTER UPDATE OF name ON {table} BEGIN UPDATE {table} SET size = "
                  f"length(NEW.name) WHERE id = NEW.id; END;")
            down = f"DROP TRIGGER {table}_sized;"
        rows = ""
        if kind in (1, 2, 4, 5, 6):
            rows = "".join(
                f"INSERT INTO {table} (name, owner) VALUES ('row {number} {row}', NULL);" for row in range(3))
        made.append((rows, up, down))
    return made


def folder(place, made):
    for number, (_, up, down) in enumerate(made):
        migration = place / f"2026-01-01-{number:06}_step"
        migration.mkdir(parents=True)
        (migration / "up.sql").write_text(up + "\n")
        (migration / "down.sql").write_text(down + "\n")
    return place


def shell_script(made):
    return "".join(
        f"{rows}\nBEGIN;{up}\nCOMMIT;\nBEGIN;{down}\nCOMMIT;\nBEGIN;{up}\nCOMMIT;\n" for rows, up, down in made)


def run(bench):
    figures, each = [], {}
    for size in SIZES:
        made = steps(size)
        migrations = folder(bench.folder / f"migrations-{size}", made)
        pairs = [
            (
                measure.seconds([bench.phasedb, "audit", str(migrations), "--tool", "diesel", "--quiet"]),
                measure.seconds(["sqlite3", "-bail", ":memory:"], stdin=shell_script(made)),
            )
            for _ in range(bench.repeat(5))
        ]
        medians = [statistics.median(column) for column in zip(*pairs)]
        each[size] = medians[0] / size
        limit = {"limit": LIMIT} if size == LIMITED else {}
        figures.append(measure.ratio(f"audit of {size} migrations", *medians, **limit))
    return figures
