"""What the way back costs when an application changed half of the rows, or gave them other keys.

Rows are then compared with an archive, and looked for under other keys. Four times the rows may take a few times as long,
whatever tells the rows apart: a comparison that reads the archive for every row takes sixteen times as long.
"""

from . import measure

SIZES = [40_000, 160_000]
# Makes both databases too large to be copied into memory.
PADDING = "CREATE TABLE padding (x); INSERT INTO padding VALUES (zeroblob(5000000));\n"
# Four times the rows may take so many times as long.
LIMIT = 6.0
KEYS = {
    "an integer key": ("id INTEGER PRIMARY KEY, a, b", "i, 'a' || i, 'b' || i", "", "id", "id = id + 10000000"),
    "a text key": ("code TEXT PRIMARY KEY, a, b", "'k' || i, 'a' || i, 'b' || i", "", "rowid", "code = 'm' || code"),
    "a key of two columns": (
        "x TEXT, y INTEGER, a, b, PRIMARY KEY (x, y)", "'k' || (i / 2), i % 2, 'a' || i, 'b' || i", "WITHOUT ROWID",
        "CAST(substr(x, 2) AS INTEGER)", "x = 'm' || x"),
    "no key": ("a, b", "'a' || i, 'b' || i", "", "rowid", None),
}
PHASES = {
    "DROP COLUMN": ("contract", "ALTER TABLE t DROP COLUMN b;", "ALTER TABLE t ADD COLUMN b;"),
    "UPDATE": ("migrate", "UPDATE t SET b = b || '!';", "UPDATE t SET b = rtrim(b, '!');"),
}


def run(bench):
    figures = []
    for phase, (kind, up, down) in PHASES.items():
        folder = bench.folder / f"changes-{kind}"
        file = folder / "0001-change" / f"{kind}.sql"
        file.parent.mkdir(parents=True)
        file.write_text(f"-- @window app >=1.0\n-- @residual none\n-- @up\n{up}\n-- @down\n{down}\n")
        (folder / "phasedb.json").write_text('{ "evidence": "none" }')
        for key, (columns, values, rest, number, moved) in KEYS.items():
            writes = {"updated": "a = a || 'x'", "moved": moved}
            for name, change in writes.items():
                if change is None:
                    continue
                times = [
                    shortest(bench, folder, size, columns, values, rest, f"UPDATE t SET {change} WHERE {number} % 2 = 0")
                    for size in SIZES
                ]
                for command in ["plan down", "down"]:
                    small, large = (took[command] for took in times)
                    figures.append(measure.Figure(
                        f"{command} of {phase}, {key}, half of {SIZES[1]:,} rows {name}",
                        f"{measure.milliseconds(large)}, {large / small:.1f} times that of {SIZES[0]:,}",
                        large / small, LIMIT, "times"))
    return figures


def shortest(bench, folder, size, columns, values, rest, write):
    """The shortest of a few runs: what is compared is growth, and noise only adds to a time."""
    database = bench.folder / "changes.db"
    best = {}
    for _ in range(bench.repeat(3)):
        measure.remove_database(database)
        rows = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {size})"
        measure.seconds(["sqlite3", "-bail", str(database)], stdin=f"{PADDING}CREATE TABLE t ({columns}) {rest};\n{rows} INSERT INTO t SELECT {values} FROM n;\n")
        measure.seconds(bench.command("up", database=database, migrations=folder) + ["--live", "app@1.5"])
        measure.seconds(["sqlite3", "-bail", str(database)], stdin=write + ";\n")
        for command in ["plan down", "down"]:
            words = bench.command(*command.split(), database=database, migrations=folder) + ["--live", "app@1.5"]
            took = measure.seconds(words)
            best[command] = min(took, best.get(command, took))
    measure.remove_database(database)
    return best
