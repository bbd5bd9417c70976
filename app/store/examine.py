"""A database looked at beside whoever works with it: nothing is made, nothing is kept, nobody is held up for long."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from filelock import FileLock, Timeout

from app.store.database import BUSY_TIMEOUT_S

PROBE: Final = "CREATE TABLE psplan_probe (probe INTEGER)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What was seen. `fault`: why it cannot be used; `stranger`: to whom the file belongs if not to us."""

    name: str
    has_tables: bool = False
    version: str | None = None
    is_in_use: bool = False
    stranger: str | None = None
    fault: str | None = None
    mend: str = ""


def examine_sqlite(path: Path) -> Examined:
    """The file, by a write that is taken back. Where there is none yet: whether one can be made."""
    name = str(path)
    if not path.exists():
        folder = next(each for each in [path.parent, *path.parent.absolute().parents] if each.exists())
        if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
            return Examined(name=name)
        return Examined(name=name, fault=f"nothing can be made in {folder}", mend="give psplan a folder that it owns")
    is_in_use = _is_owned(path)
    try:
        with closing(sqlite3.connect(f"file:{quote(name)}?mode=rw", uri=True, timeout=BUSY_TIMEOUT_S)) as connection:
            connection.isolation_level = None
            version = next(_versions(connection), None)
            _write_and_take_back(connection)
    except sqlite3.Error as fault:
        return Examined(name=name, is_in_use=is_in_use, fault=f"it cannot be written ({fault})", mend=_mend(fault))
    return Examined(
        name=name, has_tables=version is not None, version=version, is_in_use=is_in_use, stranger=_stranger(path)
    )


def _versions(connection: sqlite3.Connection) -> Iterator[str]:
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'")
    if tables.fetchone() is not None:
        yield from (row[0] for row in connection.execute("SELECT version_num FROM alembic_version"))


def _write_and_take_back(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(PROBE)
    finally:
        connection.execute("ROLLBACK")


def _mend(fault: sqlite3.Error) -> str:
    words = str(fault)
    if "not a database" in words or "malformed" in words:
        return "restore a back-up, or move it away and run psplan sweep --rebuild"
    if "locked" in words:
        return "another program holds it: which one?"
    return "file and folder have to belong to the user who runs psplan, on a disk with room"


def _is_owned(path: Path) -> bool:
    """Whether a psplan works with it. The lock is tried only where somebody had it before: else this would make it."""
    lock = path.with_name(path.name + ".lock")
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def _stranger(path: Path) -> str | None:
    if not hasattr(os, "geteuid") or path.stat().st_uid == os.geteuid():
        return None
    try:
        return path.owner()
    except KeyError:
        return str(path.stat().st_uid)
