"""phasedb: lint and a rehearsal, then up, as its page on CI says."""

import json

from .steps import SQL, Column, DropColumn, Retype, Table
from .tool import Tool

LIVE = "app@1.0"


class PhaseDB(Tool):
    name = "phasedb"
    # The id of an error or a finding, in text or in JSON.
    complaint = r'(?<=\[)[a-z-]+(?=\]$)|(?<="id" : ")[a-z-]+'

    @classmethod
    def version(cls, installation):
        return installation.answer(installation.phasedb, "version").splitlines()[0].removeprefix("phasedb ")

    def set_up(self):
        self.migrations = self.folder / "migrations"
        self.migrations.mkdir()

    def write(self, migrations):
        for migration in migrations:
            folder = self.migrations / f"{migration.number:04}-change-{migration.number}"
            folder.mkdir(exist_ok=True)
            for kind, (up, down) in self.phases(migration).items():
                (folder / f"{kind}.sql").write_text("\n".join([
                    f"-- Change {migration.number}.", "--", "-- @window app >=1.0", "-- @residual none",
                    "", "-- @up", *up, "", "-- @down", *(down or []), ""]))

    def phases(self, migration):
        """Up and down by kind: what only adds is an expand, what removes or tightens a contract."""
        step = migration.steps[0]
        if isinstance(step, Retype):
            return by_way_of_a_second_column(step)
        adds = all(isinstance(step, (Table, SQL)) for step in migration.steps)
        return {"expand" if adds else "contract": (migration.sql(), migration.back())}

    def command(self, *words):
        return [self.installation.phasedb, *words, "-d", str(self.database), "-m", str(self.migrations)]

    def check(self):
        lint = [self.installation.phasedb, "lint", "-m", str(self.migrations)]
        # There is nothing to rehearse on before there is a database.
        return [lint, self.command("rehearse")] if self.database.exists() else [lint]

    def up(self):
        return self.command("up", "--live", LIVE)

    def down(self, number):
        return self.command("down", "--to", f"{number - 1:04}", "--live", LIVE)

    def down_all(self):
        return self.command("down", "--all", "--live", LIVE)

    def applied(self):
        status = json.loads(self.ask(self.command("status", "--format", "json")))
        states = {}
        for phase in status["phases"]:
            states.setdefault(int(phase["phase"].split("-")[0]), set()).add(phase["state"])
        return {number for number, found in states.items() if found == {"applied"}}


def by_way_of_a_second_column(step):
    """A type changes in three phases, with triggers that fill the new column meanwhile."""
    table, old, new = step.table.name, step.name, f"{step.name}_number"
    fill = f"BEGIN UPDATE {table} SET {new} = CAST({old} AS INTEGER) WHERE id = NEW.id; END;"
    drop_triggers = [f"DROP TRIGGER {table}_{old}_{event};" for event in ("updated", "inserted")]
    create_triggers = [
        f"CREATE TRIGGER {table}_{old}_inserted AFTER INSERT ON {table} {fill}",
        f"CREATE TRIGGER {table}_{old}_updated AFTER UPDATE OF {old} ON {table} WHEN NEW.{old} IS NOT OLD.{old} {fill}"]
    contract = DropColumn(step.table, old)
    return {
        "expand": (
            [f"ALTER TABLE {table} ADD COLUMN {Column(new, 'INTEGER').sql()};", *create_triggers],
            [*drop_triggers, f"ALTER TABLE {table} DROP COLUMN {new};"]),
        "migrate": (
            [f"UPDATE {table} SET {new} = CAST({old} AS INTEGER);"],
            [f"UPDATE {table} SET {new} = NULL;"]),
        "contract": (
            [*drop_triggers, *contract.sql()],
            [*contract.back(), f"UPDATE {table} SET {old} = CAST({new} AS TEXT);", *create_triggers]),
    }
