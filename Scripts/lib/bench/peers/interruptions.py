"""The cases in which a migration does not get to its end by itself, or not alone."""

import os
import signal
import time

from . import database
from .stage import not_applicable, right, wrong
from .steps import SQL, Column, Migration, Table
from .tool import Outcome

MADE = {"extra_first", "extra_last"}
FIRST, LAST = (f"CREATE TABLE {name} (id INTEGER PRIMARY KEY);" for name in ("extra_first", "extra_last"))
GONE = ["DROP TABLE extra_last;", "DROP TABLE extra_first;"]
NOTES = Table("notes", [Column("body")])

# The index of so many rows takes the library well past its cache, so that the file grows before the commit.
ROWS = 400_000
INDEX = "CREATE INDEX notes_by_body ON notes (body);"
GROWTH = 4 * 1024 * 1024


def syntax_error(stage):
    """The second statement of a migration is no SQL. Then it is corrected."""
    return broken(stage, [FIRST, "CREATE TABLE extra_last (id INTEGER PRIMARY KEY,,);"])


def commit_in_a_file(stage):
    """COMMIT between two statements, of which the second fails. Then the migration is corrected."""
    return broken(stage, [FIRST, "COMMIT;", "INSERT INTO nowhere VALUES (1);"])


def broken(stage, statements):
    stage.base(NOTES)
    outcome = stage.change(SQL(statements, GONE))
    if outcome.succeeded:
        return wrong("reported as done")
    return judged_with_a_second_try(stage, MADE, SQL([FIRST, LAST], GONE))


def judged_with_a_second_try(stage, made, change):
    """Right when nothing of it is there, or all, when the status says the same, and when the next up gets it there."""
    wrongness = stage.disagreement(made)
    if not stage.tool.keeps_state and database.names(stage.database) >= made:
        # An operator who works without a record looks, and has nothing to do.
        return right()
    again = stage.change(change)
    if wrongness is None and again.succeeded:
        wrongness = stage.disagreement(made)
        if wrongness is None and database.names(stage.database) >= made:
            return right()
    if again.succeeded:
        return wrong(wrongness or "the next up says that it is done, and it is not")
    return wrong("; ".join([*([wrongness] if wrongness else []), "the next up fails"]), stage.words(again))


def killed(stage):
    """SIGKILL to the tool and all that it started: while it writes, and as soon as its last statement is committed."""
    stage.base(NOTES)
    lay_back = stage.keep()
    moments = [("just after its commit", SQL([FIRST, LAST], GONE), MADE, 5 if stage.thorough else 2)]
    big = SQL([FIRST, INDEX, LAST], [GONE[0], "DROP INDEX notes_by_body;", GONE[1]])
    moments.append(("while it writes", big, MADE | {"notes_by_body"}, 1))
    for name, change, made, rounds in moments:
        for _ in range(rounds):
            lay_back()
            if change is big:
                database.write(stage.database, (
                    "INSERT INTO notes (body) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                    f"LIMIT {ROWS}) SELECT printf('%040d', i * 7919 % {ROWS}) FROM n;"))
                size = os.path.getsize(stage.database)
                kill_when(stage, change, lambda: os.path.getsize(stage.database) > size + GROWTH)
            else:
                kill_when(stage, change, lambda: is_committed(stage.database, b"extra_last"))
            verdict = judged_with_a_second_try(stage, made, change)
            if verdict.word != "right":
                return wrong(f"{name}: {verdict.why}", verdict.said)
    return right()


def kill_when(stage, change, moment):
    """Starts the up and kills it. Where the end came first, there is still a state to judge."""
    tool = stage.tool
    tool.write([stage.first, Migration(2, [change])])
    for command in tool.check():
        tool.ask(command)
    process = tool.start(tool.up())
    while process.poll() is None and not moment():
        time.sleep(0.0005)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def is_committed(path, name):
    """Seen from outside, without a lock that could get into a tool's way: in the file, and no journal beside it."""
    return name in path.read_bytes() and not path.with_name(path.name + "-journal").exists()


def two_runners(stage):
    """Two processes begin the same ten migrations together."""
    tool = stage.tool
    if not tool.keeps_state:
        return not_applicable("the shell does not know what is applied")
    stage.base(NOTES)
    changes = [
        Migration(number, [SQL([f"CREATE TABLE extra_{number} (id INTEGER PRIMARY KEY);"],
                               [f"DROP TABLE extra_{number};"])])
        for number in range(2, 12)]
    tool.write([stage.first, *changes])
    lay_back = stage.keep()
    made = {f"extra_{number}" for number in range(2, 12)}

    def is_whole():
        return database.names(stage.database) >= made and tool.applied() == set(range(1, 12))

    # Alone it works, or what follows says nothing about two.
    tool.ask(tool.up())
    if not is_whole():
        raise RuntimeError(f"{tool.name} is misunderstood: {tool.applied()}")
    rounds = 20 if stage.thorough else 3
    failed, unfinished, said = 0, 0, ""
    for _ in range(rounds):
        lay_back()
        both = [tool.start(tool.up()) for _ in range(2)]
        ended = [(process.communicate()[0], process.returncode) for process in both]
        for output, code in ended:
            if code != 0:
                said = stage.words(Outcome(code, output))
        failed += any(code != 0 for _, code in ended)
        unfinished += not is_whole()
    if not failed and not unfinished:
        return right()
    whole = f"in {unfinished} not all was applied" if unfinished else "all was applied"
    return wrong(f"in {failed} of {rounds} rounds a runner failed; {whole}", said)
