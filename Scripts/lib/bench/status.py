"""What it costs to ask where a database stands."""

from . import generator, measure

APPLIED = 500


def run(bench):
    migrations = generator.folder(bench.folder / "migrations", APPLIED)
    database = bench.folder / "app.db"
    measure.seconds(bench.command("up", database=database, migrations=migrations))
    measure.expect_applied(database, APPLIED)
    ours, theirs = measure.alternate(
        bench.repeat(30),
        lambda: measure.seconds(bench.command("status", database=database, migrations=migrations)),
        lambda: measure.seconds(["sqlite3", str(database), "SELECT count(*) FROM phasedb_phase"]))
    return [measure.ratio(f"status, {APPLIED} applied phases", ours, theirs, limit=6)]
