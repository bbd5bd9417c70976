"""Moves what was committed from SQLite's log into the database file, beside the writer instead of inside a commit.

SQLite by itself does this in the commit that fills the log, and whoever waits for that commit waits for some
milliseconds more, every few hundred deliveries. A passive checkpoint on a connection of its own holds nobody up
(sqlite.org, "Write-Ahead Logging", 3.3 and "pragma wal_checkpoint").
"""

from __future__ import annotations

import threading

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

EVERY = 400
"""Writes between two checkpoints: about SQLite's own thousand pages."""
PATIENCE_S = 10

log = structlog.get_logger()


class Checkpointer:
    """The thread and its connection; the writer calls `wrote` after each commit."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._since = 0
        self._is_due = threading.Event()
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="store-checkpoints", daemon=True)
        self._thread.start()

    def wrote(self, count: int) -> None:
        """So many writes were committed."""
        self._since += count
        if self._since >= EVERY:
            self._since = 0
            self._is_due.set()

    def close(self) -> None:
        """End after the checkpoint that may be running; the last connection to close makes the final one."""
        self._is_ending = True
        self._is_due.set()
        self._thread.join(PATIENCE_S)

    def _run(self) -> None:
        while self._is_due.wait() and not self._is_ending:
            self._is_due.clear()
            try:
                with self._engine.connect() as connection:
                    connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").close()
            except SQLAlchemyError as fault:
                # nothing is lost: the log is longer until the next one, or until a commit does it
                log.warning("store.checkpoint_failed", fault=type(fault).__name__)
        self._engine.dispose()
