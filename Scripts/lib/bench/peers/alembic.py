"""Alembic with the env.py that `alembic init` writes, and batch mode for what SQLite cannot alter in place."""

from .steps import SQL, DropColumn, RequireValue, Retype, Table
from .tool import Tool

REVISION = """\
import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {before!r}


def upgrade():
    {up}


def downgrade():
    {down}
"""


class Alembic(Tool):
    name = "Alembic"
    complaint = r"^(?:sqlalchemy\.exc\.\w+: )?\(?sqlite3\.\w+\)? .*"

    @classmethod
    def version(cls, installation):
        alembic = installation.python_package("alembic")
        return alembic and f"{alembic} (SQLAlchemy {installation.python_package('sqlalchemy')})"

    def set_up(self):
        self.ask(self.command("init", "scripts"))
        self.replace("alembic.ini", "driver://user:pass@localhost/dbname", "sqlite:///app.db")

    def replace(self, file, old, new):
        text = (self.folder / file).read_text()
        if old not in text:
            raise RuntimeError(f"{self.name}: {file} has no longer '{old}'")
        (self.folder / file).write_text(text.replace(old, new))

    def write(self, migrations):
        for migration in migrations:
            ups = [line for step in migration.steps for line in upgrade(step)]
            downs = [line for step in reversed(migration.steps) for line in downgrade(step)]
            (self.folder / "scripts" / "versions" / f"{migration.number:04}.py").write_text(REVISION.format(
                revision=f"{migration.number:04}",
                before=None if migration.number == 1 else f"{migration.number - 1:04}",
                up="\n    ".join(ups), down="\n    ".join(downs or ["pass"])))

    def command(self, *words):
        return [self.installation.python, "-m", "alembic", *words]

    def up(self):
        return self.command("upgrade", "head")

    def down(self, number):
        return self.command("downgrade", "-1")

    def down_all(self):
        return self.command("downgrade", "base")

    def applied(self):
        words = [line.split()[0] for line in self.ask(self.command("current")).splitlines() if line[:4].isdigit()]
        return set(range(1, int(words[0]) + 1)) if words else set()


class AlembicTransactional(Alembic):
    """The same with transactional DDL, which neither is on by default nor in the template.

    SQLAlchemy's page on SQLite gives the connection argument (Python 3.12 and later), Alembic's reference the two
    arguments of `configure`.
    """

    name = "Alembic, transactional"

    @classmethod
    def version(cls, installation):
        return super().version(installation) if installation.python_version() >= (3, 12) else None

    def set_up(self):
        super().set_up()
        self.replace("scripts/env.py", "poolclass=pool.NullPool,",
                     "poolclass=pool.NullPool, connect_args={'autocommit': False},")
        self.replace("scripts/env.py", "connection=connection, target_metadata=target_metadata",
                     "connection=connection, target_metadata=target_metadata,\n"
                     "            transactional_ddl=True, transaction_per_migration=True")


def sqlalchemy(column):
    """A column as Alembic writes it."""
    kind = "sa.Text()" if column.type == "TEXT" else "sa.Integer()"
    reference = f", sa.ForeignKey('{column.parent}.id', ondelete='CASCADE')" if column.parent else ""
    return f"sa.Column({column.name!r}, {kind}{reference}, nullable={not column.required})"


def batch(table, alteration, always=False):
    # Reflection does not see AUTOINCREMENT; the manual has it named in table_kwargs.
    keep = ", table_kwargs={'sqlite_autoincrement': True}" if table.autoincrement else ""
    recreate = ", recreate='always'" if always else ""
    return [f"with op.batch_alter_table({table.name!r}{keep}{recreate}) as batch:", f"    batch.{alteration}"]


def execute(statements):
    return [f"op.execute({statement!r})" for statement in statements]


def upgrade(step):
    match step:
        case Table():
            columns = "".join(f", {sqlalchemy(column)}" for column in step.columns)
            keep = ", sqlite_autoincrement=True" if step.autoincrement else ""
            return [f"op.create_table({step.name!r}, sa.Column('id', sa.Integer(), primary_key=True){columns}{keep})"]
        case SQL():
            return execute(step.up)
        case RequireValue():
            return batch(step.table, f"alter_column({step.name!r}, existing_type=sa.Text(), nullable=False)")
        case DropColumn():
            return batch(step.table, f"drop_column({step.name!r})")
        case Retype():
            return batch(step.table, f"alter_column({step.name!r}, existing_type=sa.Text(), type_=sa.Integer())")


def downgrade(step):
    match step:
        case Table():
            return [f"op.drop_table({step.name!r})"]
        case SQL():
            return execute(step.down or [])
        case RequireValue():
            return batch(step.table, f"alter_column({step.name!r}, existing_type=sa.Text(), nullable=True)")
        case DropColumn():
            column = sqlalchemy(step.table.column(step.name))
            return batch(step.table, f"add_column({column}, insert_after={step.before()!r})", always=True)
        case Retype():
            return batch(step.table, f"alter_column({step.name!r}, existing_type=sa.Integer(), type_=sa.Text())")
