"""Django with its schema editor, and RunSQL for what a model cannot say."""

import re

from .steps import SQL, DropColumn, RequireValue, Retype, Table
from .tool import Tool

MIGRATION = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = {before!r}
    operations = [
        {operations},
    ]
"""


class Django(Tool):
    name = "Django"

    @classmethod
    def version(cls, installation):
        return installation.python_package("django")

    def set_up(self):
        self.migrations = self.folder / "items" / "migrations"
        self.migrations.mkdir(parents=True)
        for package in (self.migrations, self.migrations.parent):
            (package / "__init__.py").write_text("")
        (self.folder / "settings.py").write_text(
            "SECRET_KEY = 'bench'\nINSTALLED_APPS = ['items']\nUSE_TZ = True\n"
            f"DATABASES = {{'default': {{'ENGINE': 'django.db.backends.sqlite3', 'NAME': {str(self.database)!r}}}}}\n")

    def write(self, migrations):
        for migration in migrations:
            before = [] if migration.number == 1 else [("items", f"{migration.number - 1:04}_change")]
            (self.migrations / f"{migration.number:04}_change.py").write_text(MIGRATION.format(
                before=before, operations=",\n        ".join(operation(step) for step in migration.steps)))

    def environment(self):
        return super().environment() | {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(self.folder)}

    def command(self, *words):
        return [self.installation.python, "-m", "django", *words]

    def check(self):
        return [self.command("check")]

    def up(self):
        return self.command("migrate")

    def down(self, number):
        return self.command("migrate", "items", f"{number - 1:04}")

    def down_all(self):
        return self.command("migrate", "items", "zero")

    def applied(self):
        said = self.ask(self.command("showmigrations", "items"))
        return {int(number) for number in re.findall(r"\[X\] (\d{4})_change", said)}


def model_field(column):
    """A column as a model has it. A TEXT that may be NULL is `null=True`."""
    if column.parent:
        # Enforced by the database since Django 6.1; before, by Django alone.
        return (f"models.ForeignKey('items.{column.parent}', "
                f"on_delete=getattr(models, 'DB_CASCADE', models.CASCADE), null={not column.required})")
    kind = "TextField" if column.type == "TEXT" else "IntegerField"
    return f"models.{kind}(null={not column.required})"


def operation(step):
    match step:
        case Table():
            fields = ["('id', models.AutoField(primary_key=True))"]
            fields += [
                f"({(column.name.removesuffix('_id') if column.parent else column.name)!r}, {model_field(column)})"
                for column in step.columns]
            return (f"migrations.CreateModel({step.name!r}, [{', '.join(fields)}], "
                    f"options={{'db_table': {step.name!r}}})")
        case SQL(up, down):
            return f"migrations.RunSQL({up!r}{'' if down is None else f', {down!r}'})"
        case RequireValue():
            return f"migrations.AlterField({step.table.name!r}, {step.name!r}, {model_field(step.required)})"
        case DropColumn():
            return f"migrations.RemoveField({step.table.name!r}, {step.name!r})"
        case Retype():
            return f"migrations.AlterField({step.table.name!r}, {step.name!r}, models.IntegerField(null=True))"
