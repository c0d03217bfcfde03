"""The cases that can be seen in the database at rest: rebuilds, and ways down. `interruptions` has the others.

Every tool is asked for the same change, by its own means for it. Who has none, runs SQL by hand: phasedb, sqitch, yoyo
and the shell get the same statements, which are those of SQLite's own procedure for such a change.
"""

import sys

from . import database, interruptions
from .stage import Stage, not_applicable, right, wrong
from .steps import SQL, Column, DropColumn, RequireValue, Retype, Table


def run(bench, found, tools):
    """Two tables: the verdicts, a case in a line and a tool in a column, and what the tools said."""
    for tool in tools:
        control(Stage(tool, found, bench.folder / "control" / tool.__name__, thorough=True))
    table, said = [("case", *(tool.name for tool in tools))], [("case", "tool", "what it said")]
    for title, judge in CASES.items():
        cells = [title]
        for tool in tools:
            print(f"{title} by {tool.name}", file=sys.stderr)
            folder = bench.folder / judge.__name__ / tool.__name__
            verdict = judge(Stage(tool, found, folder, thorough=not bench.quick))
            cells.append(str(verdict))
            if verdict.said:
                said.append((title, tool.name, f"`{verdict.said}`"))
        table.append(tuple(cells))
    return table, said


def control(stage):
    """Where nothing goes wrong nothing may be found wrong, or a verdict says more about the judge than about the tool."""
    stage.base(Table("notes", [Column("body")]))
    change = SQL(["CREATE TABLE extra (id INTEGER PRIMARY KEY);"], ["DROP TABLE extra;"])
    for act, expected in ((lambda: stage.change(change), {"notes", "extra"}), (stage.back, {"notes"})):
        ended = act()
        if not ended.succeeded or stage.disagreement({"extra"}) or database.content(stage.database).keys() != expected:
            raise RuntimeError(f"{stage.tool.name} is misunderstood: {ended.said}")


def cascade_wipe(stage):
    """A table is rebuilt that others refer to with ON DELETE CASCADE."""
    parents = Table("parents", [Column("name")])
    stage.base(
        parents, Table("children", [Column("parent_id", "INTEGER", required=True, parent="parents")]),
        rows="INSERT INTO parents (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c');"
             "INSERT INTO children (id, parent_id) VALUES (1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3);")
    before = database.content(stage.database)
    for direction in ("up", "down"):
        outcome = stage.change(RequireValue(parents, "name")) if direction == "up" else stage.back()
        if not outcome.succeeded:
            return stage.refused(outcome, before)
        left = database.value(stage.database, "SELECT count(*) FROM children")
        if left != 6:
            return wrong(f"{6 - left} of 6 children are gone after {direction}")
        if database.is_required(stage.database, "parents", "name") != (direction == "up"):
            return wrong(f"nothing changed by {direction}")
    return right()


def trigger_lost(stage):
    """A table with a trigger is rebuilt, by somebody who does not think of the trigger."""
    notes = Table("notes", [Column("body")])
    stage.base(
        notes, Table("edits", [Column("note", "INTEGER")]),
        SQL(["CREATE TRIGGER notes_edited AFTER UPDATE ON notes BEGIN INSERT INTO edits (note) VALUES (NEW.id); END;"],
            ["DROP TRIGGER notes_edited;"]),
        rows="INSERT INTO notes (id, body) VALUES (1, 'a'), (2, 'b');")
    before = database.content(stage.database)
    outcome = stage.change(RequireValue(notes, "body"))
    if not outcome.succeeded:
        return stage.refused(outcome, before)
    written = database.on_a_copy(
        stage.database, stage.folder, "UPDATE notes SET body = 'c' WHERE id = 1;", "SELECT count(*) FROM edits")
    return right() if written == [(1,)] else wrong("the trigger is gone, and nothing was said")


def autoincrement(stage):
    """A table with AUTOINCREMENT is rebuilt whose highest ids were deleted."""
    tickets = Table("tickets", [Column("title")], autoincrement=True)
    stage.base(
        tickets,
        rows="INSERT INTO tickets (id, title) VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e');"
             "DELETE FROM tickets WHERE id > 3;")
    before = database.content(stage.database)
    outcome = stage.change(RequireValue(tickets, "title"))
    if not outcome.succeeded:
        return stage.refused(outcome, before)
    [(number,)] = database.on_a_copy(
        stage.database, stage.folder, "INSERT INTO tickets (title) VALUES ('f');", "SELECT max(id) FROM tickets")
    return right() if number == 6 else wrong(f"id {number} is given out a second time, the next was 6")


def column_order(stage):
    """A column that is not the last is dropped and brought back; an application inserts without naming columns."""
    people = Table("people", [Column("code"), Column("name"), Column("note")])
    stage.base(people, rows="INSERT INTO people (id, code, name, note) VALUES (1, 'c', 'n', 't');")
    before = database.content(stage.database)
    for outcome in (lambda: stage.change(DropColumn(people, "code")), stage.back):
        ended = outcome()
        if not ended.succeeded:
            return stage.refused(ended, before)
    [row] = database.on_a_copy(
        stage.database, stage.folder, "INSERT INTO people VALUES (2, 'code', 'name', 'note');",
        "SELECT code, name, note FROM people WHERE id = 2")
    return right() if row == ("code", "name", "note") else wrong(
        f"after down the application's code is in {['code', 'name', 'note'][row.index('code')]}")


def leading_zeros(stage):
    """TEXT becomes INTEGER and TEXT again."""
    items = Table("items", [Column("code")])
    stage.base(items, rows="INSERT INTO items (id, code) VALUES (1, '007'), (2, '1e3'), (3, '42');")
    before = database.content(stage.database)
    for outcome in (lambda: stage.change(Retype(items, "code")), stage.back):
        ended = outcome()
        if not ended.succeeded:
            return stage.refused(ended, before)
    lost = [
        f"'{was}' is {now!r}" for was, (now,) in
        zip(("007", "1e3", "42"), database.rows(stage.database, "SELECT code FROM items ORDER BY id")) if was != now]
    return wrong(", ".join(lost)) if lost else right()


def empty_down(stage):
    """A migration whose way down is what the tool's generator leaves there."""
    if not stage.tool.keeps_state:
        return not_applicable("the shell knows no way down")
    stage.base(Table("notes", [Column("body")]))
    before = database.content(stage.database)
    change = SQL(["CREATE TABLE extra (id INTEGER PRIMARY KEY);"])
    outcome = stage.change(change)
    if not outcome.succeeded:
        return stage.refused(outcome, before)
    outcome = stage.back()
    wrongness = stage.disagreement({"extra"})
    if wrongness is None:
        return right() if outcome.succeeded else right("down refused", stage.words(outcome))
    again = stage.change(change)
    if again.succeeded:
        return wrong(f"after down {wrongness}")
    return wrong(f"after down {wrongness}; the next up fails", stage.words(again))


CASES = {
    "a parent is rebuilt, cascade wipes the children": cascade_wipe,
    "a trigger is lost in a rebuild": trigger_lost,
    "AUTOINCREMENT after a rebuild": autoincrement,
    "column order after down": column_order,
    "'007' to a number and back": leading_zeros,
    "syntax error, then status": interruptions.syntax_error,
    "SIGKILL, then status": interruptions.killed,
    "COMMIT in a file": interruptions.commit_in_a_file,
    "empty down": empty_down,
    "two runners at once": interruptions.two_runners,
}
