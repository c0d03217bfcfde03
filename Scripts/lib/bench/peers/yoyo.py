"""yoyo-migrations with SQL files, each in the transaction that yoyo makes by default."""

import re

from .tool import Tool


class Yoyo(Tool):
    name = "yoyo"

    @classmethod
    def version(cls, installation):
        return installation.python_package("yoyo-migrations")

    def set_up(self):
        (self.folder / "migrations").mkdir()

    def write(self, migrations):
        for migration in migrations:
            name = f"{migration.number:04}-change"
            depends = [] if migration.number == 1 else [f"-- depends: {migration.number - 1:04}-change"]
            self.file(f"{name}.sql", [*depends, "", *migration.sql()])
            if migration.back() is not None:
                self.file(f"{name}.rollback.sql", migration.back())

    def file(self, name, lines):
        (self.folder / "migrations" / name).write_text("\n".join([*lines, ""]))

    def command(self, verb, *words):
        return [self.installation.python, "-m", "yoyo", verb, "--batch", "--no-config-file",
                "--database", f"sqlite:///{self.database}", *words, "migrations"]

    def up(self):
        return self.command("apply")

    def down(self, number):
        return self.command("rollback", "--revision", f"{number:04}-change")

    def down_all(self):
        return self.down(1)

    def applied(self):
        said = re.sub(r"\x1b\[[0-9;]*m", "", self.ask(self.command("list")))
        return {int(number) for number in re.findall(r"^A\s+(\d{4})-change", said, re.MULTILINE)}
