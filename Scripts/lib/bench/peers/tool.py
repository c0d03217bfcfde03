"""What every tool is asked for."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from .. import measure


@dataclass
class Outcome:
    """How a command ended. `said` is its output."""

    code: int
    said: str

    @property
    def succeeded(self):
        return self.code == 0

    @property
    def last_line(self):
        lines = [line.strip() for line in self.said.splitlines() if line.strip()]
        return lines[-1] if lines else f"exit code {self.code}"


class Unanswered(Exception):
    """A tool does not answer a question about its state."""

    def __init__(self, name, command, outcome):
        super().__init__(f"{name}: {' '.join(map(str, command))}\n{outcome.said}")
        self.outcome = outcome


class Tool:
    """A tool in a folder of its own, set up as its documentation says."""

    name = ""
    # Whether the tool knows what is applied, and can therefore be asked to do what is missing.
    keeps_state = True
    # How the line begins that says what is wrong.
    complaint = r"^(?:[\w.]+\.)?\w*(?:Error|Exception|Timeout)\b.*"

    def __init__(self, installation, folder):
        self.installation = installation
        self.folder = folder
        self.database = folder / "app.db"
        folder.mkdir(parents=True)
        self.set_up()

    @classmethod
    def version(cls, installation):
        """Its version and what it stands on, or None when it is not installed."""
        raise NotImplementedError

    def set_up(self):
        """Makes the project, before there are migrations."""

    def write(self, migrations):
        """Writes all migrations of the project; those that are there are written again."""
        raise NotImplementedError

    def check(self):
        """The commands that the documentation has run before a release."""
        return []

    def up(self):
        """The command that applies what is missing."""
        raise NotImplementedError

    def down(self, number):
        """The command that reverses this one, the last one that is applied."""
        raise NotImplementedError

    def down_all(self):
        raise NotImplementedError

    def applied(self):
        """The numbers of the migrations that the tool takes for applied, by its own command."""
        raise NotImplementedError

    def words(self, outcome):
        """What it said was wrong, in a line."""
        found = re.findall(self.complaint, outcome.said, re.MULTILINE)
        return found[-1] if found else outcome.last_line

    def environment(self):
        return measure.environment()

    def files(self):
        """The files that hold the database and the tool's record of it."""
        return [self.database]

    def run(self, command):
        ended = subprocess.run(
            command, cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        return Outcome(ended.returncode, ended.stdout)

    def start(self, command):
        """In a process group of its own, so that what it starts can be ended with it."""
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)

    def ask(self, command):
        """The output of a command that has to succeed."""
        outcome = self.run(command)
        if not outcome.succeeded:
            raise Unanswered(self.name, command, outcome)
        return outcome.said

    def release(self):
        """What an operator does with a new migration: the checks, then up."""
        for command in [*self.check(), self.up()]:
            outcome = self.run(command)
            if not outcome.succeeded:
                return outcome
        return outcome
