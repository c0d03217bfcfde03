"""What a contract costs on a large table: one that retires a column, and one that drops it and keeps its values.

Both beside DROP COLUMN by the shell, which keeps nothing, on a copy of the same file. The retired column's figure is
the time for which the application cannot write, which must not depend on the number of rows: so it is taken on a small
table too.
"""

import json
import shutil
import statistics
import subprocess

from . import digest, measure

RETIRE = """-- Take the note out of the way.
-- @window app >=1.0
-- @residual none
-- @retire orders.note
-- @up
-- @down
"""
DROP = """-- Drop the token.
-- @window app >=1.0
-- @residual none
-- @up
ALTER TABLE orders DROP COLUMN token;
-- @down
ALTER TABLE orders ADD COLUMN token BLOB;
"""
LIVE = ("--live", "app@1.0", "--override", "evidence", "--reason", "bench", "--format", "json")
SMALL_ROWS = 50_000
HOLD_MILLISECONDS = 50
UP, DOWN = 2.5, 3


def folder(bench, name, contract):
    migrations = bench.folder / name
    for path, text in (("0001-begin/expand.sql", digest.BEGIN), ("0002-orders/contract.sql", contract)):
        file = migrations / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return migrations


def hold(command):
    """For how long the only step of a run held the write lock, in milliseconds."""
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=measure.environment())
    if ended.returncode != 0:
        raise SystemExit(f"bench: exit code {ended.returncode} of: {' '.join(map(str, command))}\n{ended.stderr}")
    (done,) = json.loads(ended.stdout)["done"]
    return done["holdMilliseconds"]


def retired(bench, rows):
    """The longest hold up and down, over a few rounds."""
    database = bench.folder / f"retired-{rows}.db"
    migrations = folder(bench, "retire", RETIRE)
    digest.fill(database, rows)
    measure.seconds(bench.command("up", "--to", "0001", database=database, migrations=migrations))
    digest.warm(database)
    holds = {"up": [], "down": []}
    for _ in range(bench.repeat(10)):
        for verb in holds:
            arguments = LIVE if verb == "up" else ("--live", "app@1.0", "--format", "json")
            holds[verb].append(hold(bench.command(verb, *arguments, database=database, migrations=migrations)))
    measure.remove_database(database)
    return {verb: max(values) for verb, values in holds.items()}


def run(bench):
    rows = digest.QUICK_ROWS if bench.quick else digest.ROWS
    size = f"{rows / 1e6:g}M rows"
    small = retired(bench, SMALL_ROWS)
    large = retired(bench, rows)

    original = bench.folder / "orders.db"
    ours, theirs = bench.folder / "ours.db", bench.folder / "theirs.db"
    migrations = folder(bench, "drop", DROP)
    digest.fill(original, rows)
    measure.seconds(bench.command("up", "--to", "0001", database=original, migrations=migrations))
    times = {"up": [], "down": [], "shell": []}
    for _ in range(bench.repeat(5)):
        for copy in (ours, theirs):
            measure.remove_database(copy)
            shutil.copyfile(original, copy)
            digest.warm(copy)
        times["shell"].append(measure.seconds(
            ["sqlite3", "-bail", str(theirs), "ALTER TABLE orders DROP COLUMN token"]))
        times["up"].append(measure.seconds(bench.command("up", *LIVE, database=ours, migrations=migrations)))
        times["down"].append(measure.seconds(
            bench.command("down", "--live", "app@1.0", database=ours, migrations=migrations)))
        same = measure.query(
            ours, f"ATTACH '{original}' AS o; SELECT count(*) FROM (SELECT id, token FROM orders EXCEPT "
                  "SELECT id, token FROM o.orders)").strip()
        if same != "0":
            raise SystemExit(f"bench: {same} tokens did not come back")
    shell, up, down = (statistics.median(times[name]) for name in ("shell", "up", "down"))
    return [
        *(measure.Figure(
            f"a column of {size} retired, {verb}: write lock held, the longest",
            f"{large[verb]:.1f} ms ({small[verb]:.1f} ms on {SMALL_ROWS / 1e6:g}M; DROP COLUMN by the shell "
            f"{measure.milliseconds(shell)})", large[verb], HOLD_MILLISECONDS, "ms") for verb in ("up", "down")),
        measure.ratio(f"DROP COLUMN of {size} with its archive, beside the shell's", up, shell, UP),
        measure.ratio("its way down, beside the shell's DROP COLUMN", down, shell, DOWN),
    ]
