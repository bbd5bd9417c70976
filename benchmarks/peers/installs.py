"""What the contestants need and the project does not: an environment and a folder of their own, made once, below .venv.

Both come from locks with hashes, and are made anew when these change. What cannot be had says why: then its contestants
are not measured.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from benchmarks.contestants import ROOT
from tests import postgres

HERE = Path(__file__).parent
LOCK = HERE / "requirements.txt"
PLACE = ROOT / ".venv" / "peers"
PATIENCE_S = 600.0


class Missing(Exception):
    """Something cannot be had on this machine; its text says what and why."""


@cache
def python() -> str:
    """The interpreter of the Python contestants' environment."""
    folder = PLACE / "python"
    found = str(folder / "bin" / "python")

    def make() -> None:
        _run([sys.executable, "-m", "venv", str(folder)], ROOT)
        pip = [found, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--require-hashes", "-r", str(LOCK)], ROOT)

    _once(folder, LOCK.read_bytes() + sys.version.encode(), make)
    return found


@cache
def probot() -> list[str]:
    """The words that start the Probot contestant."""
    source, folder = HERE / "probot", PLACE / "probot"
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Missing("node and npm are not installed (Debian: apt-get install nodejs npm)")

    def make() -> None:
        shutil.copytree(source, folder)
        _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)

    files = sorted(each for each in source.iterdir() if each.is_file())
    _once(folder, b"".join(each.read_bytes() for each in files), make)
    return [node, str(folder / "bot.mjs")]


def versioned(name: str, package: str) -> str:
    """A contestant's name with the version that the locks give its package."""
    pinned: dict[str, str] = json.loads((HERE / "probot" / "package.json").read_bytes())["dependencies"]
    pinned |= dict(line.split()[0].split("==") for line in LOCK.read_text().splitlines() if "==" in line.split("#")[0])
    return f"{name} {pinned[package]}"


def demand_postgres() -> None:
    """Missing where there is no PostgreSQL to start."""
    if postgres.binaries() is None:
        raise Missing("PostgreSQL is not installed (Debian: apt-get install postgresql)")


def _once(folder: Path, made_from: bytes, make: Callable[[], None]) -> None:
    ready, digest = folder / "made-from", sha256(made_from).hexdigest()
    if ready.exists() and ready.read_text() == digest:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    make()
    ready.write_text(digest)


def _run(words: Sequence[str], folder: Path) -> None:
    try:
        subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True, timeout=PATIENCE_S)
    except subprocess.CalledProcessError as fault:
        said = fault.stderr.strip().splitlines() or [f"exit code {fault.returncode}"]
        raise Missing(f"{Path(words[0]).name} cannot install it: {said[-1]}") from fault
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise Missing(f"{Path(words[0]).name} cannot install it: {fault}") from fault
