"""Looking at a database afterwards, without the tool that wrote it."""

import shutil
import sqlite3
from contextlib import closing


def rows(path, query):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def value(path, query):
    return rows(path, query)[0][0]


def write(path, script):
    """What the application writes."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def names(path):
    """The names of what the schema has."""
    return {name for name, in rows(path, "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")}


def content(path):
    """The schema and all rows, but for what tools keep for themselves: they may count their attempts."""
    own = ("phasedb_", "_yoyo", "yoyo_", "django_", "alembic_", "schema_migrations", "ar_internal", "sqlite_")
    found = {}
    for kind, name, sql in rows(path, "SELECT type, name, sql FROM sqlite_schema ORDER BY name"):
        if not name.startswith(own):
            found[name] = (sql, sorted(rows(path, f'SELECT * FROM "{name}"')) if kind == "table" else None)
    return found


def on_a_copy(path, folder, script, query):
    """What a query answers after a script, without a trace in the database."""
    copy = folder / "copy.db"
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    try:
        write(copy, script)
        return rows(copy, query)
    finally:
        copy.unlink()


def is_required(path, table, column):
    return bool(value(path, f"SELECT \"notnull\" FROM pragma_table_info('{table}') WHERE name = '{column}'"))


def put_back(kept, files):
    """Lays the files of a tool as they were kept."""
    for file in files:
        for suffix in ("-journal", "-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        saved = kept / file.name
        if saved.exists():
            shutil.copy(saved, file)
        else:
            file.unlink(missing_ok=True)
