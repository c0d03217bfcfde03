"""What lint costs beside the sqlite3 shell running the same phases once, in memory.

Lint runs every phase up on one scratch database, and up, down and up on what the phase can touch. The shell runs the
up SQL alone.
"""

import statistics

from . import generator, measure

SIZES = [100, 200, 400, 500, 800]
# The size and the ratio that the limit is about.
LIMITED, LIMIT = 500, 3.0


def run(bench):
    figures = []
    for size in SIZES:
        migrations = generator.folder(bench.folder / f"migrations-{size}", size)
        script = generator.shell_script(range(1, size + 1))
        pairs = [
            (
                measure.seconds([bench.phasedb, "lint", "-m", str(migrations)]),
                measure.seconds(["sqlite3", "-bail", ":memory:"], stdin=script),
            )
            for _ in range(bench.repeat(5))
        ]
        medians = [statistics.median(column) for column in zip(*pairs)]
        limit = {"limit": LIMIT} if size == LIMITED else {}
        figures.append(measure.ratio(f"lint of {size} phases", *medians, **limit))
    return figures
