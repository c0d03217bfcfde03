"""ActiveRecord with the migrations that its generator writes: `change` with the schema's own methods."""

from .steps import SQL, DropColumn, RequireValue, Retype, Table
from .tool import Tool

# What `rails db:migrate` and its sisters call, without the rest of an application.
PROGRAM = """\
require 'logger'
require 'active_record'
ActiveRecord::Base.establish_connection(adapter: 'sqlite3', database: 'app.db')
arguments = ActiveRecord.version < Gem::Version.new('7.1') ? [ActiveRecord::Base.connection.schema_migration] : []
context = ActiveRecord::MigrationContext.new('migrate', *arguments)
case ARGV[0]
when 'up' then context.migrate
when 'rollback' then context.rollback(1)
when 'zero' then context.migrate(0)
when 'status' then puts context.migrations_status.select { |row| row[0] == 'up' }.map { |row| row[1] }
end
"""


class ActiveRecord(Tool):
    name = "ActiveRecord"
    complaint = r"SQLite3::\w+: .*?(?= \()|ActiveRecord::\w*Irreversible\w*"

    @classmethod
    def version(cls, installation):
        return installation.answer(
            "ruby", "-e", "require 'logger'; require 'active_record'; require 'sqlite3'; puts ActiveRecord.version",
            environment=installation.ruby())

    def set_up(self):
        (self.folder / "migrate").mkdir()
        (self.folder / "migrate.rb").write_text(PROGRAM)

    def write(self, migrations):
        for migration in migrations:
            (self.folder / "migrate" / f"{migration.number:04}_change{migration.number}.rb").write_text(
                f"class Change{migration.number} < ActiveRecord::Migration[6.0]\n{body(migration)}end\n")

    def environment(self):
        return super().environment() | self.installation.ruby()

    def command(self, word):
        return [self.installation.find("ruby"), "migrate.rb", word]

    def up(self):
        return self.command("up")

    def down(self, number):
        return self.command("rollback")

    def down_all(self):
        return self.command("zero")

    def applied(self):
        return {int(word) for word in self.ask(self.command("status")).split()}


def method(name, lines):
    return "".join([f"  def {name}\n", *(f"    {line}\n" for line in lines), "  end\n"])


def body(migration):
    """`change` where ActiveRecord knows the way back, or where nobody wrote one; else `up` and `down`."""
    if all(isinstance(step, (Table, RequireValue, DropColumn)) or step.back() is None for step in migration.steps):
        return method("change", [line for step in migration.steps for line in change(step)])
    ups = [line for step in migration.steps for line in change(step)]
    downs = [line for step in reversed(migration.steps) for line in back(step)]
    return method("up", ups) + method("down", downs)


def execute(statements):
    # In Ruby, %q takes everything up to the delimiter as it is.
    return [f"execute %q\x60{statement}\x60" for statement in statements]


def change(step):
    match step:
        case Table():
            lines = [f"create_table :{step.name} do |t|"]
            for column in step.columns:
                null = f"null: {'false' if column.required else 'true'}"
                if column.parent:
                    lines.append(f"  t.references :{column.name.removesuffix('_id')}, {null}, index: false, "
                                 f"foreign_key: {{ to_table: :{column.parent}, on_delete: :cascade }}")
                else:
                    lines.append(f"  t.{'text' if column.type == 'TEXT' else 'integer'} :{column.name}, {null}")
            return [*lines, "end"]
        case SQL():
            return execute(step.up)
        case RequireValue():
            return [f"change_column_null :{step.table.name}, :{step.name}, false"]
        case DropColumn():
            return [f"remove_column :{step.table.name}, :{step.name}, :text"]
        case Retype():
            return [f"change_column :{step.table.name}, :{step.name}, :integer"]


def back(step):
    match step:
        case Table():
            return [f"drop_table :{step.name}"]
        case SQL():
            return execute(step.down)
        case Retype():
            return [f"change_column :{step.table.name}, :{step.name}, :text"]
