"""How much memory the example's way up takes on the full shop."""

from pathlib import Path

from . import measure

# Megabytes. How many pages of the program's file the system maps has no limit: it follows the size of the program.
LIMIT = 20
REPOSITORY = Path(__file__).resolve().parents[3]


def run(bench):
    migrations = REPOSITORY / "migrations-example"
    database = bench.folder / "shop.db"
    customers = 10_000 if bench.quick else 100_000
    measure.seconds(bench.command("up", "--to", "0001", database=database, migrations=migrations))
    measure.seconds([str(REPOSITORY / "Scripts/lib/make-shop"), str(database), str(customers)])
    command = bench.command("up", database=database, migrations=migrations)
    whole, own = measure.peaks_megabytes(command)
    name = f"the example's up, {customers:,} customers"
    figures = [measure.Figure(f"peak memory, {name}", f"{whole:.1f} MB", whole)]
    if own:
        figures.append(measure.Figure(f"memory of its own, {name}", f"{own:.1f} MB", own, LIMIT, "MB"))
    return figures
