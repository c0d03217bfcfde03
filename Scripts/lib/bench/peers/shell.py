"""The sqlite3 shell: one file of SQL, in one transaction, that the operator picks."""

from .tool import Tool


class Shell(Tool):
    name = "sqlite3 shell"
    keeps_state = False
    complaint = r"^(?:Parse error|Runtime error|Error).*"

    @classmethod
    def version(cls, installation):
        found = installation.answer("sqlite3", "--version")
        return found and found.split()[0]

    def set_up(self):
        self.numbers = []
        self.done = set()

    def write(self, migrations):
        self.numbers = [migration.number for migration in migrations]
        for migration in migrations:
            for direction, statements in (("up", migration.sql()), ("down", migration.back())):
                # Steps 1 and 12 of the procedure, around the transaction.
                off, on = ("PRAGMA foreign_keys = OFF;", "PRAGMA foreign_keys = ON;") if migration.rebuilds else ("", "")
                (self.folder / f"{direction}{migration.number}.sql").write_text("\n".join([
                    "PRAGMA synchronous = FULL;", off, "BEGIN IMMEDIATE;", *(statements or []), "COMMIT;", on, ""]))

    def shell(self, direction, numbers):
        return ["sqlite3", "-bail", str(self.database),
                *(f".read {direction}{number}.sql" for number in numbers)]

    def up(self):
        return self.shell("up", [number for number in self.numbers if number not in self.done])

    def down(self, number):
        return self.shell("down", [number])

    def down_all(self):
        return self.shell("down", reversed(self.numbers))

    def applied(self):
        return None

    def release(self):
        outcome = super().release()
        if outcome.succeeded:
            self.done = set(self.numbers)
        return outcome
