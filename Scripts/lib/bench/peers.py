"""The same 200 migrations by other tools, each in its usual way: one transaction for each."""

import importlib.util
import shutil
import subprocess
import sys

from . import generator, measure

MIGRATIONS = 200


def run(bench):
    """A figure for each tool that is here, against phasedb measured alternately with it."""
    migrations = generator.folder(bench.folder / "migrations", MIGRATIONS)
    ours = bench.folder / "ours.db"
    figures = []
    for peer in (Sqitch, Alembic, Django, ActiveRecord, Yoyo):
        if not peer.installed():
            figures.append(measure.Figure(f"{peer.name}: skipped", "not installed"))
            continue
        place = bench.folder / peer.__name__.lower()
        place.mkdir()
        tool = peer(place)

        def phasedb_up():
            measure.remove_database(ours)
            return measure.seconds(bench.command("up", database=ours, migrations=migrations))

        def peer_up():
            measure.remove_database(tool.database)
            tool.prepare()
            return measure.seconds(tool.up, cwd=place, env=tool.environment())

        theirs, mine = measure.alternate(bench.repeat(5), peer_up, phasedb_up)
        figures.append(measure.ratio(
            f"{MIGRATIONS} migrations up by {peer.name}", theirs, mine, of=(peer.name, "phasedb")))
    return figures


def numbers():
    return range(1, MIGRATIONS + 1)


def quoted(statements):
    return "".join(f"    {statement!r},\n" for statement in statements)


def runs(*command):
    if shutil.which(command[0]) is None:
        return False
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=measure.environment())
    return ended.returncode == 0


class Peer:
    """A tool in a folder of its own. `up` is the command that is timed."""

    name = ""
    up = []

    def __init__(self, folder):
        self.folder = folder
        self.database = folder / "peer.db"
        self.write()

    def write(self):
        """Writes the project and its migrations."""

    def prepare(self):
        """What comes before each run and is not timed."""

    def environment(self):
        return measure.environment()


class Sqitch(Peer):
    name = "sqitch"
    up = ["sqitch", "deploy"]

    @staticmethod
    def installed():
        return runs("sqitch", "--version")

    def write(self):
        for folder in ("deploy", "revert"):
            (self.folder / folder).mkdir()
        (self.folder / "sqitch.conf").write_text(
            f"[core]\n\tengine = sqlite\n[engine \"sqlite\"]\n\ttarget = db:sqlite:{self.database.name}\n"
            "[user]\n\tname = bench\n\temail = bench@example.org\n")
        plan = ["%syntax-version=1.0.0", "%project=bench", ""]
        for number in numbers():
            for folder, direction in (("deploy", generator.up), ("revert", generator.down)):
                statements = "\n".join(["BEGIN;", *direction(number), "COMMIT;", ""])
                (self.folder / folder / f"item{number}.sql").write_text(statements)
            plan.append(f"item{number} 2026-01-01T00:00:00Z bench <bench@example.org> # item {number}")
        (self.folder / "sqitch.plan").write_text("\n".join([*plan, ""]))


class Alembic(Peer):
    name = "alembic"
    up = [sys.executable, "-m", "alembic", "upgrade", "head"]

    @staticmethod
    def installed():
        return importlib.util.find_spec("alembic") is not None

    def write(self):
        versions = self.folder / "scripts" / "versions"
        versions.mkdir(parents=True)
        (self.folder / "alembic.ini").write_text(
            f"[alembic]\nscript_location = scripts\nsqlalchemy.url = sqlite:///{self.database.name}\n")
        (self.folder / "scripts" / "env.py").write_text(
            "from alembic import context\nfrom sqlalchemy import create_engine\n"
            "engine = create_engine(context.config.get_main_option('sqlalchemy.url'))\n"
            "with engine.connect() as connection:\n"
            "    context.configure(connection=connection, transaction_per_migration=True)\n"
            "    with context.begin_transaction():\n"
            "        context.run_migrations()\n")
        for number in numbers():
            before = None if number == 1 else f"item{number - 1}"
            (versions / f"item{number}.py").write_text(
                f"from alembic import op\nrevision = 'item{number}'\ndown_revision = {before!r}\n"
                f"def upgrade():\n  for sql in (\n{quoted(generator.up(number))}  ): op.execute(sql)\n"
                f"def downgrade():\n  for sql in (\n{quoted(generator.down(number))}  ): op.execute(sql)\n")


class Django(Peer):
    name = "Django"
    up = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]

    @staticmethod
    def installed():
        return importlib.util.find_spec("django") is not None

    def write(self):
        migrations = self.folder / "items" / "migrations"
        migrations.mkdir(parents=True)
        for package in (migrations, migrations.parent):
            (package / "__init__.py").write_text("")
        (self.folder / "bench_settings.py").write_text(
            "SECRET_KEY = 'bench'\nINSTALLED_APPS = ['items']\nUSE_TZ = True\n"
            f"DATABASES = {{'default': {{'ENGINE': 'django.db.backends.sqlite3', 'NAME': {str(self.database)!r}}}}}\n")
        for number in numbers():
            before = [] if number == 1 else [("items", f"{number - 1:04}_item")]
            (migrations / f"{number:04}_item.py").write_text(
                "from django.db import migrations\nclass Migration(migrations.Migration):\n"
                f"  dependencies = {before!r}\n  operations = [migrations.RunSQL([\n{quoted(generator.up(number))}"
                f"  ], [\n{quoted(generator.down(number))}  ])]\n")

    def environment(self):
        return measure.environment() | {
            "DJANGO_SETTINGS_MODULE": "bench_settings", "PYTHONPATH": str(self.folder)}


class ActiveRecord(Peer):
    name = "ActiveRecord"
    up = ["ruby", "migrate.rb"]

    @staticmethod
    def installed():
        return runs("ruby", "-e", "require 'logger'; require 'active_record'; require 'sqlite3'")

    def write(self):
        migrate = self.folder / "migrate"
        migrate.mkdir()
        (self.folder / "migrate.rb").write_text(
            "require 'logger'\nrequire 'active_record'\nActiveRecord::Migration.verbose = false\n"
            f"ActiveRecord::Base.establish_connection(adapter: 'sqlite3', database: '{self.database.name}')\n"
            "arguments = []\n"
            "if ActiveRecord.version < Gem::Version.new('7.1')\n"
            "  arguments << ActiveRecord::Base.connection.schema_migration\nend\n"
            "ActiveRecord::MigrationContext.new('migrate', *arguments).migrate\n")
        for number in numbers():
            up, down = (
                "\n".join(f"    execute {statement!r}" for statement in direction(number))
                for direction in (generator.up, generator.down))
            (migrate / f"{number:04}_item{number}.rb").write_text(
                f"class Item{number} < ActiveRecord::Migration[6.0]\n  def up\n{up}\n  end\n"
                f"  def down\n{down}\n  end\nend\n")


class Yoyo(Peer):
    name = "yoyo"

    @staticmethod
    def installed():
        return importlib.util.find_spec("yoyo") is not None

    def write(self):
        self.up = [
            sys.executable, "-m", "yoyo", "apply", "--batch", "--no-config-file",
            "--database", f"sqlite:///{self.database}", "migrations"]
        migrations = self.folder / "migrations"
        migrations.mkdir()
        for number in numbers():
            (migrations / f"{number:04}-item.sql").write_text("\n".join([*generator.up(number), ""]))
            (migrations / f"{number:04}-item.rollback.sql").write_text("\n".join([*generator.down(number), ""]))
