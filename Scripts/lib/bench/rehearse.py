"""What it costs to rehearse a contract, beside the parts that nobody can do without."""

import os
import shutil

from . import digest, measure

PHASES = {
    "0001-begin/expand.sql": digest.BEGIN,
    "0002-count-pieces/contract.sql": """-- Count pieces from one, under their new name.
-- @window app >=1.0
-- @residual none
-- @up
ALTER TABLE orders RENAME COLUMN items TO pieces;
UPDATE orders SET pieces = pieces + 1;
-- @down
UPDATE orders SET pieces = pieces - 1;
ALTER TABLE orders RENAME COLUMN pieces TO items;
""",
}
LIMIT = 1.2
PEAK = 100


def run(bench):
    scan = digest.scanner()
    readers = str(min(4, os.cpu_count() or 1))
    rows = digest.QUICK_ROWS if bench.quick else digest.ROWS
    migrations = bench.folder / "migrations"
    for name, text in PHASES.items():
        path = migrations / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    database = bench.folder / "orders.db"
    digest.fill(database, rows)
    measure.seconds(bench.command("up", "--to", "0001", database=database, migrations=migrations))

    def rehearse():
        return measure.seconds(bench.command("rehearse", "0002", database=database, migrations=migrations))

    copy = bench.folder / "copy.db"

    def parts():
        """A copy, four digests, two ups and a down, each by itself."""
        measure.remove_database(copy)
        total = measure.seconds(["sqlite3", str(database), f".backup '{copy}'"])
        total += 4 * measure.seconds([scan, "digest", str(copy), readers])
        live = ("--live", "app@1.0")
        reason = ("--override", "evidence", "--reason", "bench")
        for words in (("up", *live, *reason), ("down", *live), ("up", *live, *reason)):
            total += measure.seconds(bench.command(*words, database=copy, migrations=migrations))
        return total

    whole, sum_of_parts = measure.alternate(bench.repeat(5), rehearse, parts)
    measure.remove_database(copy)
    peak = measure.peak_megabytes(bench.command("rehearse", "0002", database=database, migrations=migrations))
    left = [name for name in os.listdir(bench.folder) if name.startswith(".phasedb-copy-")]
    for name in left:
        shutil.rmtree(bench.folder / name)
    size = f"{rows / 1e6:g}M rows"
    return [
        measure.ratio(f"rehearsal of a contract on {size}, beside its parts", whole, sum_of_parts, LIMIT,
                      of=("rehearsal", "parts")),
        measure.Figure(f"peak memory, rehearsal on {size}", f"{peak:.1f} MB", peak, PEAK, "MB"),
        measure.Figure("copies that a rehearsal left behind", str(len(left)), len(left), 0),
    ]
