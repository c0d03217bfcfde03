"""What the trigger of a held lane costs a claim, and how long a lane takes to be quiet and to go on.

A claim is what litequeue does: one UPDATE … RETURNING in a transaction of its own, on a queue of 100,000 jobs. Beside none,
there is a trigger whose condition is false at once, because it is for another queue; one that is asked for the time, because
its deadline is over; and one that holds, so that the claim finds nothing. They run alternately, in memory, so that the disk
does not hide the difference.
"""

import json
import sqlite3
import statistics
import subprocess
import threading
import time

from . import measure

JOBS = 100_000
CLAIM = """UPDATE jobs SET state = 'running' WHERE id = (SELECT id FROM jobs WHERE state = 'ready' AND queue = 'mail'
 ORDER BY id LIMIT 1) RETURNING id"""
TRIGGER = ("CREATE TRIGGER phasedb_lane_x BEFORE UPDATE OF state ON jobs WHEN (NEW.state = 'running' AND NEW.queue = '{0}')"
           " AND CAST(strftime('%s', 'now') AS INTEGER) < {1} BEGIN SELECT RAISE(IGNORE); END")


def run(bench):
    return claims(bench) + times(bench)


def claims(bench):
    """The median time of a claim, each way of holding in turn, over and over."""
    count = 200 if bench.quick else 2_000
    now = int(time.time())
    ways = {"no trigger": None, "held, another queue": ("export", now + 600), "deadline over": ("mail", now - 1),
            "held": ("mail", now + 600)}
    connections = {}
    for name, held in ways.items():
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, queue TEXT, state TEXT)")
        connection.execute("CREATE INDEX jobs_ready ON jobs (state, queue, id)")
        connection.execute("INSERT INTO jobs (queue, state) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                           " WHERE i < ?) SELECT 'mail', 'ready' FROM n", (JOBS,))
        if held:
            connection.execute(TRIGGER.format(*held))
        connections[name] = connection
    took = {name: [] for name in ways}
    for _ in range(count):
        for name, connection in connections.items():
            began = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            claimed = connection.execute(CLAIM).fetchone()
            connection.execute("COMMIT")
            took[name].append(time.perf_counter() - began)
            if (claimed is None) != (name == "held"):
                raise SystemExit(f"bench: {name}: claimed {claimed}")
    plain = statistics.median(took["no trigger"]) * 1e6
    figures = [measure.Figure("lane, a claim without a trigger", f"{plain:.1f} µs")]
    for name in list(ways)[1:]:
        median = statistics.median(took[name]) * 1e6
        figures.append(measure.Figure(
            f"lane, a claim, {name}", f"{median:.1f} µs, {median - plain:+.1f} µs beside none", median - plain,
            # A claim commits, which on a disk takes a hundred times as long.
            None if bench.quick or name == "held" else 20.0, "µs"))
    return figures


def times(bench):
    """How long until the lane of four busy workers is quiet, and until one of them claims again afterwards."""
    database, migrations = bench.folder / "shop.db", bench.folder / "migrations"
    for name, up, down, lane in [
            ("0001-shop", "CREATE TABLE orders (id INTEGER PRIMARY KEY);", "DROP TABLE orders;", ""),
            ("0002-note", "ALTER TABLE orders ADD COLUMN note TEXT;", "ALTER TABLE orders DROP COLUMN note;",
             "-- @lane mail idle within 30s\n")]:
        (migrations / name).mkdir(parents=True)
        (migrations / name / "expand.sql").write_text(
            f"-- @window shop >=1.0\n-- @residual none\n{lane}-- @up\n{up}\n-- @down\n{down}\n")
    (migrations / "phasedb.json").write_text(json.dumps({"lanes": {"mail": {
        "claim": "UPDATE OF state ON jobs WHEN NEW.state = 'running'",
        "busy": "SELECT count(*) FROM jobs WHERE state = 'running'"}}}))
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, queue TEXT, state TEXT)")
    connection.execute("CREATE INDEX jobs_ready ON jobs (state, queue, id)")
    connection.execute("INSERT INTO jobs (queue, state) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                       " WHERE i < ?) SELECT 'mail', 'ready' FROM n", (JOBS,))
    connection.close()
    measure.seconds(bench.command("up", "1", "-q", database=database, migrations=migrations))
    claimed, is_over = [], threading.Event()

    def work():
        own = sqlite3.connect(database, isolation_level=None, timeout=30)
        while not is_over.is_set():
            job = own.execute(CLAIM).fetchone()
            if job is None:
                time.sleep(0.005)
                continue
            claimed.append(time.time())
            time.sleep(0.02)
            own.execute("UPDATE jobs SET state = 'done' WHERE id = ?", job)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    quiet, resumed = [], []
    try:
        for _ in range(3 if bench.quick else 15):
            for way in ("up", "down"):
                running = subprocess.Popen(
                    bench.command(way, "--format", "json", database=database, migrations=migrations),
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=measure.environment())
                opened = None
                for line in running.stderr:
                    event = json.loads(line)
                    if event.get("event") == "lane-held":
                        quiet.append(event["milliseconds"])
                    elif event.get("event") == "lane-opened":
                        opened = time.time()
                if running.wait() != 0 or opened is None:
                    raise SystemExit(f"bench: phasedb {way} failed")
                time.sleep(0.3)
                resumed.append((min(when for when in claimed if when > opened - 0.02) - opened) * 1000)
    finally:
        is_over.set()
        for worker in workers:
            worker.join()
    return [
        measure.Figure("lane, until quiet, of which 200 ms are waited on purpose",
                       f"{statistics.median(quiet):.0f} ms, at most {max(quiet):.0f} ms"),
        measure.Figure("lane, until the next claim once it is open",
                       f"{max(0, statistics.median(resumed)):.0f} ms, at most {max(0, max(resumed)):.0f} ms")]
