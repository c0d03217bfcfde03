"""What every part needs: timing, peak memory, figures and how they are printed."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Bench:
    """What is measured, an empty folder to work in, and how thoroughly."""

    phasedb: str
    folder: Path
    quick: bool
    cases_only: bool = False
    # What a part shows besides its figures.
    tables: list[str] = field(default_factory=list)

    def repeat(self, times):
        return max(2, times // 5) if self.quick else times

    def command(self, *arguments, database, migrations):
        return [self.phasedb, *arguments, "-d", str(database), "-m", str(migrations)]


@dataclass
class Figure:
    """A row of the table. `value` and `limit` are compared as numbers, `shown` is what is printed."""

    name: str
    shown: str
    value: float = 0.0
    limit: float | None = None
    unit: str = ""

    @property
    def met(self):
        return None if self.limit is None else self.value <= self.limit


def environment():
    """Ours without what would send a command to another database, or make its output pretty."""
    kept = {key: value for key, value in os.environ.items() if key not in ("PHASEDB_DATABASE", "DATABASE_URL")}
    return kept | {"NO_COLOR": "1", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


def seconds(command, stdin="", **options):
    """The wall time of a command that has to succeed."""
    start = time.perf_counter()
    ended = subprocess.run(
        command, input=stdin, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=options.pop("env", environment()), **options)
    elapsed = time.perf_counter() - start
    if ended.returncode != 0:
        print(ended.stdout[-4000:], file=sys.stderr)
        sys.exit(f"bench: exit code {ended.returncode} of: {' '.join(map(str, command))}")
    return elapsed


def peak_megabytes(command):
    """The largest resident size of a command that has to succeed."""
    return peaks_megabytes(command)[0]


def peaks_megabytes(command):
    """The largest resident size of a command that has to succeed, and how much memory of its own it had.

    The first counts pages of the program's file, too, which every process shares and the system drops as it likes. It maps
    those around the one that is asked for, so a larger program has more of them. The second is None outside Linux.
    """
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment())
    status, own = Path(f"/proc/{process.pid}/status"), 0
    while True:
        ended, code, usage = os.wait4(process.pid, os.WNOHANG if status.exists() else 0)
        if ended:
            break
        sizes = [line.split()[1] for line in status.read_text().splitlines() if line.startswith(("RssAnon", "RssShmem"))]
        own = max(own, sum(map(int, sizes)))
        time.sleep(0.001)
    process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode != 0:
        sys.exit(f"bench: exit code {process.returncode} of: {' '.join(map(str, command))}")
    # Kibibytes on Linux, bytes on macOS (getrusage(2)).
    return usage.ru_maxrss / (1024 * 1024 if platform.system() == "Darwin" else 1024), own / 1024 or None


def remove_database(path):
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def expect_applied(database, count):
    """Stops unless so many phases are applied: a run that did nothing would be the fastest of all."""
    answer = query(database, "SELECT count(*) FROM phasedb_phase").strip()
    if answer != str(count):
        sys.exit(f"bench: {count} phases should be applied, the ledger says '{answer}'")


def query(database, sql):
    """What the shell answers."""
    return subprocess.run(["sqlite3", str(database), sql], stdout=subprocess.PIPE, text=True).stdout


def alternate(times, *runs):
    """Runs each in turn, `times` times over, and returns the median of each."""
    measured = [[run() for run in runs] for _ in range(times)]
    return [statistics.median(column) for column in zip(*measured)]


def ratio(name, ours, theirs, limit=None, of=("phasedb", "shell")):
    value = ours / theirs
    shown = f"{value:.2f} ({of[0]} {milliseconds(ours)}, {of[1]} {milliseconds(theirs)})"
    return Figure(name, shown, value, limit, "times")


def milliseconds(value):
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"


def machine():
    version = subprocess.run(["sqlite3", "--version"], stdout=subprocess.PIPE, text=True).stdout.split()[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB, "
            f"SQLite {version} (the shell's), {time.strftime('%Y-%m-%d')}")


def table(figures):
    lines = [("figure", "measured", "limit", "")]
    for figure in figures:
        limit = "" if figure.limit is None else f"{figure.limit:g} {figure.unit}".strip()
        lines.append((figure.name, figure.shown, limit, {None: "", True: "met", False: "**missed**"}[figure.met]))
    return rows(lines)


def rows(lines):
    """A Markdown table whose first line is its head."""
    written = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([written[0], "|" + "---|" * len(lines[0]), *written[1:]])
