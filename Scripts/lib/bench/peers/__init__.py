"""phasedb beside the tools that people use: the same 200 migrations, and ten cases that go wrong in the field.

The sqlite3 shell is the baseline of both. A tool that is not installed is left out and named; `install` gets them.
"""

from .. import measure
from . import cases, installation, speed
from .activerecord import ActiveRecord
from .alembic import Alembic, AlembicTransactional
from .django import Django
from .phasedb import PhaseDB
from .shell import Shell
from .sqitch import Sqitch
from .yoyo import Yoyo

TOOLS = (PhaseDB, Shell, Sqitch, Alembic, AlembicTransactional, Django, ActiveRecord, Yoyo)

install = installation.install


def run(bench):
    found = installation.Installation(bench.phasedb)
    here, versions = [], [("tool", "version")]
    for tool in TOOLS:
        version = tool.version(found)
        versions.append((tool.name, version or "not installed: Scripts/bench peers --install"))
        if version is not None:
            here.append(tool)
    bench.tables.append(measure.rows(versions))
    for table in cases.run(bench, found, here):
        bench.tables.append(measure.rows(table))
    if not bench.cases_only:
        bench.tables.append(measure.rows(speed.run(bench, found, here)))
    return []
