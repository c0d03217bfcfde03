"""Where the tools are: a folder of their own first, then what the system has.

`install` fills that folder and changes nothing else on the machine. Debian's packages are downloaded and unpacked
there, not installed, so that neither root nor an uninstall is needed; Python's go to a virtual environment.
The folder is $PHASEDB_PEERS, else ~/.cache/phasedb/peers. The environment is made with $PHASEDB_PEERS_PYTHON, else
with the newest Python on PATH.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .. import measure

DEBIAN = ("sqitch", "libdbd-sqlite3-perl", "ruby-activerecord", "ruby-sqlite3")
PYPI = ("alembic", "Django", "yoyo-migrations")


def folder():
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("PHASEDB_PEERS") or Path(cache) / "phasedb" / "peers").absolute()


class Installation:
    """What is there. `python` runs the packages of PyPI."""

    def __init__(self, phasedb):
        self.phasedb = phasedb
        self.root = folder() / "debian"
        own = folder() / "python" / "bin" / "python"
        self.python = str(own) if own.exists() else sys.executable

    def find(self, command):
        """The path of a command: ours, else the system's."""
        own = self.root / "usr" / "bin" / command
        return str(own) if own.exists() else shutil.which(command)

    def answer(self, command, *words, environment=None):
        """What a command prints about itself, or None where it is not there or does not work."""
        path = self.find(command)
        if path is None:
            return None
        ended = subprocess.run(
            [path, *words], env=measure.environment() | (environment or {}), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return ended.stdout.strip() if ended.returncode == 0 else None

    def python_package(self, name):
        look = f"import importlib.metadata as packages; print(packages.version({name!r}))"
        return self.answer(self.python, "-c", look)

    def python_version(self):
        look = "import sys; print(*sys.version_info[:2])"
        return tuple(int(word) for word in self.answer(self.python, "-c", look).split())

    def libraries(self):
        """The folders of an unpacked package's shared libraries: one for each architecture."""
        return [str(path) for path in self.root.glob("usr/lib/*-linux-gnu*")]

    def perl(self):
        """What Perl needs to find the unpacked modules."""
        if not self.root.exists():
            return {}
        modules = [self.root / "usr/share/perl5", *self.root.glob("usr/lib/*-linux-gnu*/perl5/*")]
        return {"PERL5LIB": joined(modules), "LD_LIBRARY_PATH": joined(self.libraries())}

    def ruby(self):
        """What Ruby needs to find its own unpacked library, and gems."""
        if not self.root.exists():
            return {}
        library = [
            *self.root.glob("usr/lib/ruby/vendor_ruby"), *self.root.glob("usr/lib/*-linux-gnu*/ruby/vendor_ruby/*"),
            *self.root.glob("usr/lib/ruby/[0-9]*"), *self.root.glob("usr/lib/*-linux-gnu*/ruby/[0-9]*")]
        gems = [*self.root.glob("usr/share/rubygems-integration/*"), *self.root.glob("usr/lib/ruby/gems/*")]
        return {"RUBYLIB": joined(library), "GEM_PATH": joined(gems), "LD_LIBRARY_PATH": joined(self.libraries())}


def joined(paths):
    return ":".join(str(path) for path in paths)


def install():
    """Brings the tools into the folder."""
    folder().mkdir(parents=True, exist_ok=True)
    print(f"installing into {folder()}", file=sys.stderr)
    install_python()
    if shutil.which("apt-get") and shutil.which("dpkg-deb"):
        install_debian()
    else:
        print("no apt-get here: sqitch and ActiveRecord have to be installed by hand", file=sys.stderr)


def install_python():
    place = folder() / "python"
    if not (place / "bin" / "python").exists():
        python = newest_python()
        print(f"PyPI's packages, with {python}", file=sys.stderr)
        subprocess.run([python, "-m", "venv", place], check=True)
    subprocess.run(
        [place / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PYPI], check=True)


def newest_python():
    """The one that is named, or the newest, because Django's current versions do not run on older ones."""
    named = os.environ.get("PHASEDB_PEERS_PYTHON")
    if named:
        return named
    for minor in range(19, 9, -1):
        name = f"python3.{minor}"
        # A shim may be there whose version is not.
        if shutil.which(name) and subprocess.run(
                [name, "-c", "import sqlite3, venv"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ).returncode == 0:
            return name
    return sys.executable


def install_debian():
    ruby = folder() / "debian" / "usr" / "bin" / "ruby"
    if (folder() / "debian" / "usr" / "bin" / "sqitch").exists() and ruby.exists():
        return
    if os.geteuid() == 0:
        # The list may be missing on a fresh machine. Without root, what is there has to do.
        subprocess.run(["apt-get", "update", "-qq"], check=False)
    plan = subprocess.run(
        ["apt-get", "install", "--no-install-recommends", "--simulate", *DEBIAN],
        stdout=subprocess.PIPE, text=True, check=True, env=measure.environment()).stdout
    # "Inst NAME (VERSION …" is new, "Inst NAME [OLD] (VERSION …" would be an upgrade of what is here and works.
    names = re.findall(r"^Inst (\S+) \(", plan, re.MULTILINE)
    archives = folder() / "archives"
    archives.mkdir(exist_ok=True)
    if names:
        subprocess.run(["apt-get", "download", "-qq", *names], cwd=archives, check=True)
    for archive in archives.glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", archive, folder() / "debian"], check=True)
    shutil.rmtree(archives)
