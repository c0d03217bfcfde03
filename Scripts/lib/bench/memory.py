"""How much memory the example's way up takes on the full shop."""

from pathlib import Path

from . import measure

REPOSITORY = Path(__file__).resolve().parents[3]


def run(bench):
    migrations = REPOSITORY / "migrations-example"
    database = bench.folder / "shop.db"
    customers = 10_000 if bench.quick else 100_000
    measure.seconds(bench.command("up", "--to", "0001", database=database, migrations=migrations))
    measure.seconds([str(REPOSITORY / "Scripts/lib/make-shop"), str(database), str(customers)])
    peak = measure.peak_megabytes(bench.command("up", database=database, migrations=migrations))
    return [measure.Figure(
        f"peak memory, the example's up, {customers:,} customers", f"{peak:.1f} MB", peak, 40, "MB")]
