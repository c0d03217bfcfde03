"""What compat costs beside the sqlite3 shell running the same statements on the same copies.

Five versions of 200 queries each on 30 states of the example's shop, with the rows of make-shop. The shell gets a copy of
the database in each state, made beforehand, and runs every statement of every version there in a transaction that is
rolled back. It compares nothing, goes up and down with nothing, and lets no two versions write in turn.
"""

import json
import re
import shutil
import statistics
import subprocess
from pathlib import Path

from . import measure

EXAMPLE = Path(__file__).resolve().parents[3] / "migrations-example"
MAKE_SHOP = Path(__file__).resolve().parents[1] / "make-shop"
VERSIONS = ["1.4.0", "1.6.0", "1.8.0", "2.0.0", "2.1.0"]
QUERIES, STATES, CUSTOMERS = 200, 30, 1000
# Seconds on two cores, and times the shell.
SECONDS, LIMIT = 10.0, 3.0


def run(bench):
    migrations = bench.folder / "migrations"
    shutil.copytree(EXAMPLE, migrations)
    shop = bench.folder / "shop.db"
    ups = [bench.phasedb, "up", "-m", str(migrations), "-d"]
    measure.seconds([*ups, str(shop), "--to", "0001"])
    measure.seconds([str(MAKE_SHOP), str(shop), str(CUSTOMERS)])
    for version in VERSIONS:
        write_queries(migrations / "apps/storefront" / f"{version}.sql")
    states = listed(bench, migrations)
    grow(migrations, STATES - len(states))
    states = listed(bench, migrations)
    if len(states) != STATES:
        raise SystemExit(f"bench: there should be {STATES} states, there are {len(states)}")
    copies = make_copies(bench, migrations, shop, states)
    command = [bench.phasedb, "compat", "-m", str(migrations), "-d", str(shop)]

    def shell():
        return sum(measure.seconds(["sqlite3", str(copy)], stdin=script) for copy, script in copies)

    ours, theirs = measure.alternate(bench.repeat(5), lambda: measure.seconds(command), shell)
    return [
        measure.Figure(
            f"compat, {len(VERSIONS)} versions of {QUERIES} queries by {STATES} states",
            measure.milliseconds(ours), ours, SECONDS, "s"),
        measure.ratio("the same against the shell's bare run", ours, theirs, limit=LIMIT),
    ]


def write_queries(path):
    """Repeats a version's reads under other names until there are as many as wanted. Writes stay once."""
    head, *blocks = re.split(r"(?m)^(?=-- @query )", path.read_text())
    # What has to fail does so with the rows of apps/seed.sql.
    blocks = [block for block in blocks if "-- @expect error" not in block]
    text = head + "".join(blocks)
    reads = [block for block in blocks if statement(block).upper().startswith("SELECT")]
    for number in range(QUERIES - len(blocks)):
        block = reads[number % len(reads)]
        name = block.splitlines()[0]
        text += "\n" + block.replace(name, f"{name} #{number}", 1).rstrip() + "\n"
    path.write_text(text)


def statement(block):
    return "\n".join(line for line in block.splitlines() if not line.startswith("--")).strip()


def grow(migrations, count):
    """Adds phases that hurt nobody at the end, each of which is one state more."""
    for number in range(7, 7 + count):
        folder = migrations / f"{number:04}-more"
        folder.mkdir()
        (folder / "expand.sql").write_text(
            f"-- @window storefront >=1.0\n-- @residual none\n"
            f"-- @up\nCREATE TABLE more_{number} (id INTEGER PRIMARY KEY, note TEXT);\n"
            f"-- @down\nDROP TABLE more_{number};\n")


def listed(bench, migrations):
    answer = subprocess.run(
        [bench.phasedb, "compat", "--list", "--format", "json", "-m", str(migrations)],
        stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(answer.stdout)["states"]


def make_copies(bench, migrations, shop, states):
    """A database in each state, by phasedb itself, and what the shell is to run there."""
    copies = []
    for number, state in enumerate(states):
        copy = bench.folder / f"state-{number}.db"
        folder = bench.folder / f"migrations-{number}"
        shutil.copytree(migrations, folder)
        for phase in folder.glob("[0-9]*/*.sql"):
            if f"{phase.parent.name}/{phase.stem}" not in state["applied"]:
                phase.unlink()
        for migration in folder.glob("[0-9]*"):
            if not list(migration.glob("*.sql")):
                shutil.rmtree(migration)
        shutil.copy(shop, copy)
        measure.seconds(
            [bench.phasedb, "up", "-m", str(folder), "-d", str(copy), "--live", "storefront@2.1",
             "--override", "window,soak,evidence,switch", "--reason", "bench"])
        # As compat has them, and as the statements were written for: without them a DELETE leaves the rows below it.
        script = "PRAGMA foreign_keys = ON;\n" + "".join(
            "BEGIN;\n" + shell_script(migrations / "apps/storefront" / f"{tested['appVersion']}.sql") + "ROLLBACK;\n"
            for tested in state["tested"])
        said = subprocess.run(
            ["sqlite3", str(copy)], input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        if said:
            raise SystemExit(f"bench: a statement fails in the shell: {said[:400]}")
        copies.append((copy, script))
    return copies


def shell_script(path):
    """The statements with their values as parameters of the shell."""
    lines = [".bail off", ".output /dev/null"]
    named = {}
    for block in re.split(r"(?m)^(?=-- @query )", path.read_text())[1:]:
        if "-- @expect error" in block:
            continue
        for name in re.findall(r"(?m)^-- @as (\w+) =", block):
            named[name] = "last_insert_rowid()"
        rows = re.findall(r"(?m)^-- @with (.*)$", block) or [""]
        for row in rows:
            sql = statement(block)
            for name, value in re.findall(r"(\w+) = ('(?:[^']|'')*'|[^,]+)", row):
                value = named.get(value.strip()[1:], value) if value.strip().startswith(":") else value
                sql = re.sub(rf":{name}\b", lambda _: value.strip(), sql)
            sql = re.sub(r":(\w+)\b", lambda found: named.get(found[1], found[0]), sql)
            lines.append(sql)
    return "\n".join(lines) + "\n.output\n"
