"""What one phase of many statements costs, beside the sqlite3 shell running the same SQL.

INSERTs show whether the time grows with their number. Each CREATE and DROP TABLE makes SQLite itself look at the whole
schema, so there the shell slows down, too, and the largest script is left out.
"""

from . import measure

SIZES = [1_000, 10_000, 100_000]
# Ten times the statements may take so many times as long.
LIMIT = 15.0
COMMANDS = ["lint", "up", "status", "down"]


def inserts(count):
    rows = "".join(f"INSERT INTO t VALUES ({number}, {number});\n" for number in range(count))
    return f"CREATE TABLE t (id INTEGER PRIMARY KEY, x);\n{rows}", "DROP TABLE t;\n"


def tables(count):
    up = "".join(f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, x);\n" for number in range(count))
    return up, "".join(f"DROP TABLE t{number};\n" for number in range(count))


def run(bench):
    figures = measured(bench, "INSERT", inserts, SIZES, limit=LIMIT)
    return figures + measured(bench, "CREATE and DROP TABLE", tables, SIZES[:2])


def measured(bench, name, script, sizes, limit=None):
    figures, before = [], None
    for size in sizes:
        up, down = script(size)
        folder = bench.folder / f"statements-{name.split()[0].lower()}-{size}"
        file = folder / "0001-many" / "expand.sql"
        file.parent.mkdir(parents=True)
        file.write_text(f"-- @window app >=1.0\n-- @residual none\n-- @up\n{up}-- @down\n{down}")
        now = times(bench, folder, up, down)
        for command in COMMANDS + ["shell"]:
            shown = measure.milliseconds(now[command])
            if command != "shell":
                shown += f", {now[command] / now['shell']:.1f} times the shell's up and down"
            figures.append(measure.Figure(f"{command}, {size:,} x {name}", shown))
        if before:
            for command in COMMANDS + ["shell"]:
                growth = now[command] / before[command]
                figures.append(measure.Figure(
                    f"growth of {command} to {size:,} x {name}", f"{growth:.1f}", growth,
                    limit if command != "shell" else None, "times"))
        before = now
    return figures


def times(bench, folder, up, down):
    """The shortest of a few runs of each command: what is compared is growth, and noise only adds to a time."""
    database, beside = bench.folder / "statements.db", bench.folder / "statements-shell.db"
    best = {}
    for _ in range(bench.repeat(5)):
        for command in COMMANDS:
            words = bench.command(command, database=database, migrations=folder)
            took = measure.seconds(words[:2] + words[4:] if command == "lint" else words)
            best[command] = min(took, best.get(command, took))
        measure.remove_database(beside)
        sql = f"BEGIN;\n{up}COMMIT;\nBEGIN;\n{down}COMMIT;\n"
        took = measure.seconds(["sqlite3", "-bail", str(beside)], stdin=sql)
        best["shell"] = min(took, best.get("shell", took))
        measure.remove_database(database)
    return best
