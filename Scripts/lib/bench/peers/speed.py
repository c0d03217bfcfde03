"""The same 200 migrations up and down, each tool in its usual way, beside the shell."""

import statistics
import sys

from .. import generator, measure
from .shell import Shell
from .steps import SQL, Migration

MIGRATIONS = 200


def run(bench, found, tools):
    """Rows of a table: each tool's median, and its ratio to the shell's in the same run."""
    migrations = [Migration(number, [SQL(generator.up(number), generator.down(number))])
                  for number in range(1, MIGRATIONS + 1)]
    names = {f"item_{number}" for number in range(1, MIGRATIONS + 1)}
    projects = []
    for tool in tools:
        project = tool(found, bench.folder / "speed" / tool.__name__)
        project.write(migrations)
        projects.append(project)
    measured = {(project.name, direction): [] for project in projects for direction in ("up", "down")}
    for _ in range(bench.repeat(5)):
        for project in projects:
            print(f"{MIGRATIONS} migrations by {project.name}", file=sys.stderr)
            for file in project.files():
                measure.remove_database(file)
            for direction, command in (("up", project.up()), ("down", project.down_all())):
                measured[project.name, direction].append(
                    measure.seconds(command, cwd=project.folder, env=project.environment()))
                expect(project, names if direction == "up" else set())
    median = {key: statistics.median(times) for key, times in measured.items()}
    table = [("tool", f"{MIGRATIONS} up", "ratio to the shell", f"{MIGRATIONS} down", "ratio to the shell")]
    for project in projects:
        cells = [project.name]
        for direction in ("up", "down"):
            seconds = median[project.name, direction]
            cells += [measure.milliseconds(seconds), f"{seconds / median[Shell.name, direction]:.1f}"]
        table.append(tuple(cells))
    return table


def expect(project, names):
    """Stops unless the tables are there, or gone: a run that did nothing would be the fastest of all."""
    answer = measure.query(project.database, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'item_%'")
    if set(answer.split()) != names:
        sys.exit(f"bench: {project.name} should have left {len(names)} tables, and left {len(answer.split())}")
