"""What a migration does, as values that every tool writes in its own way.

`sql` and `back` are how a tool says it that runs SQL by hand: in place where SQLite can, else by the procedure of
https://www.sqlite.org/lang_altertable.html#otheralter, and no more than that page says.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Column:
    """TEXT or INTEGER. `parent` is the table that it refers to, with ON DELETE CASCADE."""

    name: str
    type: str = "TEXT"
    required: bool = False
    parent: str | None = None

    def sql(self):
        constraint = " NOT NULL" if self.required else ""
        reference = f" REFERENCES {self.parent} (id) ON DELETE CASCADE" if self.parent else ""
        return f"{self.name} {self.type}{constraint}{reference}"


@dataclass
class Table:
    """A new table, with an id that is its key. Django and ActiveRecord make every id AUTOINCREMENT."""

    name: str
    columns: list[Column]
    autoincrement: bool = False

    def column(self, name):
        return next(column for column in self.columns if column.name == name)

    def changed(self, **changes):
        """The same table, where the named column has become another one."""
        return Table(self.name, [changes.get(column.name, column) for column in self.columns], self.autoincrement)

    def definition(self, name):
        key = "id INTEGER PRIMARY KEY" + (" AUTOINCREMENT" if self.autoincrement else "")
        return f"CREATE TABLE {name} ({', '.join([key, *(column.sql() for column in self.columns)])});"

    def rebuilt(self, **casts):
        """Steps 4 to 7 of the procedure, for a table that has this definition from now on."""
        names = ["id", *(column.name for column in self.columns)]
        values = ["id", *(casts.get(column.name, column.name) for column in self.columns)]
        return [
            self.definition(f"new_{self.name}"),
            f"INSERT INTO new_{self.name} ({', '.join(names)}) SELECT {', '.join(values)} FROM {self.name};",
            f"DROP TABLE {self.name};",
            f"ALTER TABLE new_{self.name} RENAME TO {self.name};",
        ]

    def sql(self):
        return [self.definition(self.name)]

    def back(self):
        return [f"DROP TABLE {self.name};"]


@dataclass
class SQL:
    """Statements as their author wrote them. Without a way back, what the tool's own generator writes stays there."""

    up: list[str]
    down: list[str] | None = None

    def sql(self):
        return self.up

    def back(self):
        return self.down


@dataclass
class RequireValue:
    """The column becomes NOT NULL, which SQLite cannot do in place."""

    table: Table
    name: str

    @property
    def required(self):
        column = self.table.column(self.name)
        return Column(column.name, column.type, True, column.parent)

    def sql(self):
        return self.table.changed(**{self.name: self.required}).rebuilt()

    def back(self):
        return self.table.rebuilt()


@dataclass
class DropColumn:
    """The column goes, and comes back with the way down."""

    table: Table
    name: str

    def before(self):
        """The column that stands before it."""
        names = ["id", *(column.name for column in self.table.columns)]
        return names[names.index(self.name) - 1]

    def sql(self):
        return [f"ALTER TABLE {self.table.name} DROP COLUMN {self.name};"]

    def back(self):
        return [f"ALTER TABLE {self.table.name} ADD COLUMN {self.table.column(self.name).sql()};"]


@dataclass
class Retype:
    """A TEXT column becomes an INTEGER column of the same name."""

    table: Table
    name: str

    def sql(self):
        number = Column(self.name, "INTEGER")
        return self.table.changed(**{self.name: number}).rebuilt(**{self.name: f"CAST({self.name} AS INTEGER)"})

    def back(self):
        return self.table.rebuilt(**{self.name: f"CAST({self.name} AS TEXT)"})


@dataclass
class Migration:
    number: int
    steps: list = field(default_factory=list)

    def sql(self):
        return [statement for step in self.steps for statement in step.sql()]

    def back(self):
        """None when a step has no way back."""
        ways = [step.back() for step in reversed(self.steps)]
        return None if None in ways else [statement for way in ways for statement in way]

    @property
    def rebuilds(self):
        return any(isinstance(step, (RequireValue, Retype)) for step in self.steps)
