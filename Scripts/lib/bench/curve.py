"""What a phase costs, and whether that grows with the number of phases before it.

Two curves, because two things can grow. SQLite itself reads the whole schema again after each change of
it, so where every phase adds a table the shell slows down too, and phasedb is held against the shell.
Where the schema stays as it is, what grows is phasedb's alone, and is held against nothing.
"""

import statistics

from . import generator, measure

MIGRATIONS = 200
CHUNK = 100
# The last chunk starts at 1,000 applied phases.
CHUNKS = 11
GROWTH = 1.25


def run(bench):
    return [*up_and_down(bench), *growth(bench)]


def up_and_down(bench):
    migrations = generator.folder(bench.folder / "migrations", MIGRATIONS)
    ours, theirs = bench.folder / "ours.db", bench.folder / "theirs.db"
    numbers = range(1, MIGRATIONS + 1)
    scripts = {
        "up": generator.shell_script(numbers),
        "down": generator.shell_script(reversed(numbers), generator.down),
    }
    measured = {"up": [], "down": []}
    for _ in range(bench.repeat(9)):
        measure.remove_database(ours)
        measure.remove_database(theirs)
        for direction, arguments in (("up", ["up"]), ("down", ["down", "--all"])):
            measured[direction].append((
                measure.seconds(bench.command(*arguments, database=ours, migrations=migrations)),
                measure.seconds(["sqlite3", "-bail", str(theirs)], stdin=scripts[direction])))
            measure.expect_applied(ours, MIGRATIONS if direction == "up" else 0)
    figures = []
    for direction, pairs in measured.items():
        medians = [statistics.median(column) for column in zip(*pairs)]
        figures.append(measure.ratio(f"{MIGRATIONS} migrations {direction}", *medians, limit=3.2))
    return figures


def growth(bench):
    figures = []
    points = measure_curve(bench, "a table each", generator.up, generator.down)
    for index, point in enumerate(points):
        figures.append(measure.ratio(f"a table each: time per phase, {index * CHUNK} applied", *point))
    (ours_first, shell_first), (ours_last, shell_last) = points[1], points[-1]
    grown, shell_grown = ours_last / ours_first, shell_last / shell_first
    figures.append(measure.Figure(
        f"a table each: growth from {CHUNK} to {CHUNK * (CHUNKS - 1)} applied, beside the shell's",
        f"{grown / shell_grown:.2f} (phasedb {grown:.2f}, shell {shell_grown:.2f})",
        grown / shell_grown, GROWTH, "times"))

    points = measure_curve(bench, "a row each", generator.change_row, generator.change_row_back)
    for index, point in enumerate(points):
        figures.append(measure.ratio(f"a row each: time per phase, {index * CHUNK} applied", *point))
    grown = points[-1][0] / points[1][0]
    figures.append(measure.Figure(
        f"a row each: growth from {CHUNK} to {CHUNK * (CHUNKS - 1)} applied", f"{grown:.2f}",
        grown, GROWTH, "times"))
    return figures


def measure_curve(bench, name, up, down):
    """For each chunk of phases, the time per phase of phasedb and of the shell."""
    migrations = generator.folder(bench.folder / name, CHUNK * CHUNKS, up, down)
    ours, theirs = bench.folder / "ours.db", bench.folder / "theirs.db"

    def chunk(index):
        numbers = range(index * CHUNK + 1, (index + 1) * CHUNK + 1)
        return (
            measure.seconds(bench.command("up", str(CHUNK), database=ours, migrations=migrations)) / CHUNK,
            measure.seconds(["sqlite3", "-bail", str(theirs)], stdin=generator.shell_script(numbers, up)) / CHUNK)

    repetitions = []
    for _ in range(bench.repeat(5)):
        measure.remove_database(ours)
        measure.remove_database(theirs)
        repetitions.append([chunk(index) for index in range(CHUNKS)])
        measure.expect_applied(ours, CHUNK * CHUNKS)
    return [tuple(statistics.median(column) for column in zip(*same)) for same in zip(*repetitions)]
