"""What a request pays for asking a switch, beside a plain look-up by its key on the same connection.

Python's module asks with the query of `phasedb switch sql`, prepared once, for subjects of 10 and 36 characters, at 0, 10
and 100 %. Each figure is the median of rounds of 2,000 questions that run in turn with the look-up; the look-up is one row
of the same table by its name.
"""

import sqlite3
import statistics
import subprocess
import time

from . import measure

QUESTIONS, ROUNDS = 2000, 30
# Microseconds for one question of ten characters, and of 36, on two cores.
LIMITS = {10: 60.0, 36: 200.0}
EXPAND = """-- @window app >=1.0
-- @switch new-pricing

-- @up
CREATE TABLE prices (id INTEGER PRIMARY KEY, price INTEGER);

-- @down
DROP TABLE prices;
"""
LOOK_UP = "SELECT exposure FROM phasedb_switch WHERE name = :name"


def run(bench):
    migrations = bench.folder / "migrations"
    (migrations / "0001-prices").mkdir(parents=True)
    (migrations / "0001-prices" / "expand.sql").write_text(EXPAND)
    path = bench.folder / "app.db"
    measure.seconds(bench.command("up", database=path, migrations=migrations))
    query = subprocess.run([bench.phasedb, "switch", "sql"], stdout=subprocess.PIPE, text=True, check=True).stdout
    database = sqlite3.connect(path)
    subjects = {10: [f"{number:010}" for number in range(QUESTIONS)],
                36: [f"{number:08x}-7a51-4c43-9c0e-{number:012x}" for number in range(QUESTIONS)]}
    figures = []
    for percent in ("0", "10", "100"):
        set_to(bench, path, migrations, percent)
        for length, asked in subjects.items():
            share, ours, plain = compared(bench, database, query, asked)
            if not expected(percent, share):
                raise SystemExit(f"bench: the switch is on for {share:.1%} at {percent} %")
            limit = LIMITS[length] if percent == "10" else None
            figures.append(measure.Figure(
                f"asking a switch at {percent} %, {length} characters",
                f"{ours:.1f} µs (a look-up: {plain:.1f} µs)", ours, limit, "µs"))
    return figures


def set_to(bench, path, migrations, percent):
    measure.seconds(bench.command(
        "switch", "set", "new-pricing", f"{percent}%", "--reason", "a benchmark", database=path, migrations=migrations))


def compared(bench, database, query, subjects):
    """The share that is on, and the microseconds of one question and of one look-up."""
    values = [{"name": "new-pricing", "subject": subject} for subject in subjects]
    ours, plain, on = [], [], 0
    for _ in range(bench.repeat(ROUNDS)):
        on = 0
        start = time.perf_counter()
        for value in values:
            on += database.execute(query, value).fetchone()[0]
        middle = time.perf_counter()
        for value in values:
            database.execute(LOOK_UP, value).fetchone()
        end = time.perf_counter()
        ours.append((middle - start) / len(values) * 1e6)
        plain.append((end - middle) / len(values) * 1e6)
    return on / len(values), statistics.median(ours), statistics.median(plain)


def expected(percent, share):
    """A question that is not answered would be the fastest of all."""
    return {"0": share == 0, "10": 0.05 < share < 0.15, "100": share == 1}[percent]
