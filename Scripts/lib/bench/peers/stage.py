"""A tool with a database on which something is about to go wrong, and how that is judged."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from . import database
from .steps import Migration
from .tool import Unanswered


@dataclass
class Verdict:
    """`said` is the tool's own words, which are too long for a cell."""

    word: str
    why: str = ""
    said: str = ""

    def __str__(self):
        return f"{self.word}: {self.why}" if self.why else self.word


def right(why="", said=""):
    return Verdict("right", why, said)


def wrong(why, said=""):
    return Verdict("**wrong**", why, said)


def not_applicable(why):
    return Verdict("n/a", why)


class Stage:
    """Migration 1 is the base, which the tool applies itself; the one that is judged is migration 2."""

    def __init__(self, tool, found, folder, thorough):
        self.tool = tool(found, folder)
        self.folder = folder
        self.thorough = thorough
        self.first = None

    @property
    def database(self):
        return self.tool.database

    def base(self, *steps, rows=""):
        """Applies the base and lets the application write its rows."""
        self.first = Migration(1, list(steps))
        self.tool.write([self.first])
        outcome = self.tool.release()
        if not outcome.succeeded:
            raise RuntimeError(f"{self.tool.name} did not get to the base:\n{outcome.said}")
        if self.tool.keeps_state and self.tool.applied() != {1}:
            raise RuntimeError(f"{self.tool.name} is misunderstood: it takes {self.tool.applied()} for applied")
        database.write(self.database, rows)

    def change(self, *steps):
        """Writes migration 2 and has it released."""
        self.tool.write([self.first, Migration(2, list(steps))])
        return self.tool.release()

    def back(self):
        return self.tool.run(self.tool.down(2))

    def refused(self, outcome, before):
        """The verdict on a tool that would not: right when it left everything as it was."""
        said = self.words(outcome)
        if database.content(self.database) != before:
            return wrong("failed half way", said)
        try:
            if self.tool.keeps_state and self.tool.applied() != {1}:
                return wrong("failed, and the status says that it is applied", said)
        except Unanswered as error:
            # What does not load for the up does not load for the status. That is the same refusal.
            if self.words(error.outcome) != said:
                return wrong("refused, and now the status fails", self.words(error.outcome))
        return right("refused", said)

    def words(self, outcome):
        """What a tool said, in a line that can stand in a table."""
        said = " ".join(self.tool.words(outcome).replace(str(self.folder), "…").split())
        return said.replace("|", "/").replace("`", "'")

    def keep(self):
        """Keeps the files as they are now; the answer lays them back."""
        kept = self.folder / "kept"
        kept.mkdir()
        for file in self.tool.files():
            if file.exists():
                shutil.copy(file, kept)
        return lambda: database.put_back(kept, self.tool.files())

    def disagreement(self, made):
        """What is wrong between the schema, which has all of `made` or nothing of it, and the tool's own idea."""
        there = database.names(self.database) & made
        if there and there != made:
            return f"half applied: {', '.join(sorted(there))} of {len(made)} objects"
        if not self.tool.keeps_state:
            return None
        try:
            said = 2 in self.tool.applied()
        except Unanswered:
            return "the status fails"
        if said == bool(there):
            return None
        return ("all of it is there, the status says that it is not" if there
                else "nothing of it is there, the status says that it is")
