"""sqitch: scripts with transactions of their own, as its templates write them, deployed with --verify."""

import re

from .steps import Table
from .tool import Tool


class Sqitch(Tool):
    name = "sqitch"
    complaint = r"(?:Parse error|Runtime error|Error)\b.*|Change .* already been deployed"

    @classmethod
    def version(cls, installation):
        found = installation.answer("sqitch", "--version", environment=installation.perl())
        return found and re.search(r"v([\d.]+)", found).group(1)

    def set_up(self):
        for folder in ("deploy", "revert", "verify"):
            (self.folder / folder).mkdir()
        (self.folder / "sqitch.conf").write_text(
            "[core]\n\tengine = sqlite\n[engine \"sqlite\"]\n\ttarget = db:sqlite:app.db\n"
            "[deploy]\n\tverify = true\n[user]\n\tname = bench\n\temail = bench@example.org\n")

    def write(self, migrations):
        plan = ["%syntax-version=1.0.0", "%project=app", ""]
        for migration in migrations:
            name = f"change{migration.number}"
            self.script("deploy", name, migration.sql(), migration.rebuilds)
            self.script("revert", name, migration.back() or ["-- XXX Add DDLs here."], migration.rebuilds)
            looks = [
                f"SELECT id, {', '.join(column.name for column in step.columns)} FROM {step.name} WHERE 0;"
                for step in migration.steps if isinstance(step, Table)]
            (self.folder / "verify" / f"{name}.sql").write_text("\n".join(["BEGIN;", *looks, "ROLLBACK;", ""]))
            plan.append(f"{name} 2026-01-01T00:00:00Z bench <bench@example.org> # change {migration.number}")
        (self.folder / "sqitch.plan").write_text("\n".join([*plan, ""]))

    def script(self, folder, name, statements, rebuilds):
        off = ["PRAGMA foreign_keys = OFF;"] if rebuilds else []
        (self.folder / folder / f"{name}.sql").write_text("\n".join([*off, "BEGIN;", *statements, "COMMIT;", ""]))

    def environment(self):
        return super().environment() | self.installation.perl() | {
            "SQITCH_USER_CONFIG": "/dev/null", "SQITCH_SYSTEM_CONFIG": "/dev/null"}

    def command(self, *words):
        return [self.installation.find("sqitch"), *words]

    def up(self):
        return self.command("deploy")

    def down(self, number):
        return self.command("revert", "-y", "--to", "@HEAD^")

    def down_all(self):
        return self.command("revert", "-y")

    def files(self):
        # Its registry is a file beside the database.
        return [self.database, self.folder / "sqitch.db"]

    def applied(self):
        said = self.ask(self.command("status", "--show-changes"))
        return {int(number) for number in re.findall(r"^#\s+change(\d+)\s+- ", said, re.MULTILINE)}
