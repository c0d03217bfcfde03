"""What an application feels while two million rows are filled beside it, and what the fill costs.

The application is a process of its own that writes one row 100 times a second and notes how long each write took, the
wait for the lock included. Beside it run, one after the other on copies of one database: phasedb up and down, one plain
UPDATE, and batches of 1,000 rows without and with a pause. Once in WAL mode with synchronous=FULL, once in DELETE mode.
"""

import multiprocessing
import os
import shutil
import sqlite3
import statistics
import threading
import time
from pathlib import Path

from . import measure

ROWS = 2_000_000
HOLD = 10.0
FILL = "UPDATE t SET total = n * 2 WHERE id BETWEEN ? AND ?"

EXPAND = """-- Add total.
--
-- @window app >=1.0
-- @residual none

-- @up
ALTER TABLE t ADD COLUMN total INTEGER;

-- @down
ALTER TABLE t DROP COLUMN total;
"""
MIGRATE = """-- Fill total.
--
-- @window app >=1.0
-- @batch t
-- @residual none

-- @up
UPDATE t SET total = n * 2 WHERE id BETWEEN :first AND :last;

-- @down
UPDATE t SET total = NULL WHERE id BETWEEN :first AND :last;
"""


def run(bench):
    rows = ROWS // 10 if bench.quick else ROWS
    migrations = bench.folder / "migrations"
    for name, text in (("0001-total/expand.sql", EXPAND), ("0001-total/migrate.sql", MIGRATE)):
        (migrations / name).parent.mkdir(parents=True, exist_ok=True)
        (migrations / name).write_text(text)
    figures = []
    for mode in ("WAL", "DELETE"):
        figures += beside_an_application(bench, migrations, mode, rows)
    figures += alone(bench, migrations, rows)
    figures += memory(bench, migrations)
    return figures


def prepared(bench, migrations, mode, rows, name):
    """A database on which the expand phase is applied."""
    original = bench.folder / f"{mode}-{rows}.db"
    if not original.exists():
        database = sqlite3.connect(original, isolation_level=None)
        database.execute(f"PRAGMA journal_mode = {mode}")
        database.execute(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, name TEXT NOT NULL, seen INTEGER DEFAULT 0)")
        database.execute(
            "INSERT INTO t (id, n, name) WITH RECURSIVE i (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM i WHERE x < ?)"
            " SELECT x, x, 'the name of customer ' || x FROM i", (rows,))
        database.close()
        measure.seconds(bench.command("up", "1", "-q", database=original, migrations=migrations))
    copy = bench.folder / f"{name}.db"
    measure.remove_database(copy)
    shutil.copyfile(original, copy)
    # Else whoever syncs first would pay for the copy.
    with copy.open("rb+") as file:
        os.fsync(file.fileno())
    return copy


class Application:
    """A process that writes until it is told to stop, and watches the size of the log."""

    def __init__(self, path, mode, rows):
        self.stop = multiprocessing.Event()
        self.receiver, sender = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.Process(target=write, args=(str(path), rows, self.stop, sender))
        self.log = Path(f"{path}-wal")
        self.largest = 0
        self.watch = threading.Thread(target=self.look)

    def look(self):
        while not self.stop.is_set():
            if self.log.exists():
                self.largest = max(self.largest, self.log.stat().st_size)
            time.sleep(0.01)

    def __enter__(self):
        self.process.start()
        self.watch.start()
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.times = self.receiver.recv()
        self.process.join()
        self.watch.join()

    def quantile(self, part):
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def write(path, rows, stop, sender):
    database = sqlite3.connect(path, isolation_level=None, timeout=60)
    database.execute("PRAGMA synchronous = FULL")
    times = []
    number = 0
    start = time.perf_counter()
    while not stop.is_set():
        number += 1
        began = time.perf_counter()
        database.execute("UPDATE t SET seen = seen + 1 WHERE id = ?", (number * 7919 % rows + 1,))
        times.append((time.perf_counter() - began) * 1000)
        # Behind time, it goes on at once and does not make up for what it missed.
        start = max(start + 0.01, time.perf_counter())
        time.sleep(max(0, start - time.perf_counter()))
    sender.send(times)


def plain(path):
    database = sqlite3.connect(path, isolation_level=None, timeout=60)
    database.execute("PRAGMA synchronous = FULL")
    database.execute("UPDATE t SET total = n * 2")


def fixed(path, rows, pause):
    database = sqlite3.connect(path, isolation_level=None, timeout=60)
    database.execute("PRAGMA synchronous = FULL")
    for first in range(1, rows + 1, 1000):
        database.execute("BEGIN IMMEDIATE")
        database.execute(FILL, (first, first + 999))
        database.execute("COMMIT")
        time.sleep(pause)


def timed(path, mode, rows, work):
    with Application(path, mode, rows) as application:
        start = time.perf_counter()
        work()
        elapsed = time.perf_counter() - start
    return elapsed, application


def beside_an_application(bench, migrations, mode, rows):
    path = prepared(bench, migrations, mode, rows, "beside")
    _, idle = timed(path, mode, rows, lambda: time.sleep(1 if bench.quick else 4))

    def phasedb(direction):
        return lambda: measure.seconds(
            bench.command(direction, "--wait", "60s", "--hold", f"{HOLD:.0f}ms", database=path, migrations=migrations))

    measured = {"phasedb up": timed(path, mode, rows, phasedb("up")), "phasedb down": timed(path, mode, rows, phasedb("down"))}
    for name, work in (
        ("one UPDATE", plain), ("1,000 rows", lambda p: fixed(p, rows, 0)),
        ("1,000 rows + 2 ms", lambda p: fixed(p, rows, 0.002)),
    ):
        path = prepared(bench, migrations, mode, rows, "beside")
        measured[name] = timed(path, mode, rows, lambda: work(path))

    figures = [measure.Figure(f"{mode}: nothing beside, application's write", latency(idle))]
    single = measured["one UPDATE"][0]
    for name, (elapsed, application) in measured.items():
        ours = name.startswith("phasedb")
        p99, p50 = application.quantile(0.99), application.quantile(0.5)
        figures.append(measure.Figure(
            f"{mode}: {name}, application's write", f"{latency(application)}, log {application.largest / 2**20:.0f} MB"))
        if not ours:
            figures.append(measure.Figure(f"{mode}: {name}, time", f"{elapsed:.1f} s"))
            continue
        figures.append(measure.Figure(f"{mode}: {name}, write p99 by the hold", f"{p99:.1f} ms", p99 / HOLD, 2, "holds"))
        more = p50 - idle.quantile(0.5)
        figures.append(measure.Figure(f"{mode}: {name}, write p50 over idle", f"{more:.1f} ms", more, 2, "ms"))
        figures.append(measure.ratio(f"{mode}: {name}, time beside one UPDATE", elapsed, single, 9, ("phasedb", "UPDATE")))
        if mode == "WAL":
            size = application.largest / 2**20
            figures.append(measure.Figure(f"{mode}: {name}, largest log", f"{size:.0f} MB", size, 64, "MB"))
    return figures


def alone(bench, migrations, rows):
    """Without any other writer, alternately."""
    ours, theirs = [], []
    for _ in range(bench.repeat(5)):
        path = prepared(bench, migrations, "WAL", rows, "alone")
        ours.append(measure.seconds(bench.command("up", database=path, migrations=migrations)))
        path = prepared(bench, migrations, "WAL", rows, "alone")
        start = time.perf_counter()
        plain(path)
        theirs.append(time.perf_counter() - start)
    return [measure.ratio(
        "WAL: nobody else writes, time beside one UPDATE", statistics.median(ours), statistics.median(theirs), 4.5,
        ("phasedb", "UPDATE"))]


def memory(bench, migrations):
    """The same peak for one million rows and for ten."""
    peaks = []
    for rows in ((100_000, 1_000_000) if bench.quick else (1_000_000, 10_000_000)):
        path = prepared(bench, migrations, "WAL", rows, "memory")
        peaks.append(measure.peak_megabytes(bench.command("up", database=path, migrations=migrations)))
    grown = peaks[1] / peaks[0]
    return [measure.Figure(
        "peak memory, ten times the rows", f"{peaks[0]:.1f} MB and {peaks[1]:.1f} MB", grown, 1.1, "times")]


def latency(application):
    return " / ".join(f"{value:.1f}" for value in (
        application.quantile(0.5), application.quantile(0.99), max(application.times))) + " ms (p50 / p99 / max)"
