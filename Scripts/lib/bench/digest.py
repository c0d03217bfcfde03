"""What it costs to add up every row of a database, beside reading every column of it and doing nothing with it."""

import platform
import shlex
import subprocess
import sys
from pathlib import Path

from . import measure

REPOSITORY = Path(__file__).resolve().parents[3]
ROWS = 5_000_000
QUICK_ROWS = 200_000
# A first phase that gives the database a ledger and does nothing else.
BEGIN = """-- Begin.
-- @window app >=1.0
-- @residual none
-- @up
CREATE TABLE begun (x);
-- @down
DROP TABLE begun;
"""


def scanner():
    """The program with the loop, built as phasedb is."""
    static = "" if platform.system() == "Darwin" else "--static-swift-stdlib"
    script = (f"set -euo pipefail; cd {shlex.quote(str(REPOSITORY))}; "
              f"swift build -c release {static} --product ScanBench >&2; swift build -c release {static} --show-bin-path")
    found = subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, text=True)
    if found.returncode != 0:
        sys.exit(found.returncode)
    return found.stdout.strip().splitlines()[-1] + "/ScanBench"


def fill(database, rows):
    """A table of orders: keys, numbers, short and long texts, some of them NULL."""
    measure.seconds(["sqlite3", "-bail", str(database)], stdin=f"""
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = OFF;
        CREATE TABLE orders (
          id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, placed_on TEXT NOT NULL, status TEXT NOT NULL,
          amount REAL NOT NULL, items INTEGER NOT NULL, note TEXT, token BLOB, address TEXT NOT NULL);
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})
        INSERT INTO orders
        SELECT n, n * 7919 % 100003, date('2020-01-01', (n % 2000) || ' days'),
          CASE n % 4 WHEN 0 THEN 'open' WHEN 1 THEN 'paid' WHEN 2 THEN 'shipped' ELSE 'cancelled' END,
          n % 90000 / 100.0, n % 9, CASE n % 3 WHEN 0 THEN 'leave it at the door of number ' || n END,
          randomblob(16), printf('%d Long Street, %08d Somewhere in the Hills, %s', n % 500, n, hex(randomblob(24)))
        FROM numbers;
        PRAGMA wal_checkpoint(TRUNCATE);
        """)


def warm(database):
    """Into the system's cache, so that nobody pays for the disk who comes first."""
    with open(database, "rb") as file:
        while file.read(1 << 24):
            pass


def run(bench):
    scan = scanner()
    rows = QUICK_ROWS if bench.quick else ROWS
    database = bench.folder / "orders.db"
    fill(database, rows)
    warm(database)
    one, loop, two, shell = measure.alternate(
        bench.repeat(7),
        lambda: measure.seconds([scan, "digest", str(database), "1"]),
        lambda: measure.seconds([scan, "scan", str(database), "orders"]),
        lambda: measure.seconds([scan, "digest", str(database), "2"]),
        lambda: measure.seconds(["sqlite3", str(database), ".sha3sum"]))
    size = f"{rows / 1e6:g}M rows, {database.stat().st_size / 2**20:.0f} MB"
    return [
        measure.ratio(f"digest of {size}, beside reading every column", one, loop, 1.3, of=("digest", "loop")),
        measure.ratio("digest, beside the shell's .sha3sum", one, shell, 0.5, of=("digest", "shell")),
        measure.ratio("digest by two readers, beside one", two, one, 0.7, of=("two", "one")),
    ]
