"""A private PostgreSQL for the tests: a cluster in a temporary folder, from the installed package, then thrown away.

`TEST_POSTGRES=required`: a machine without PostgreSQL fails instead of skipping.
"""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.ports import free_port

START_TIMEOUT_S = 30.0
# nothing here outlives the machine: what fsync costs is measured by the benchmarks
SETTINGS = {"fsync": "off", "full_page_writes": "off", "unix_socket_directories": "", "max_connections": "200"}


@dataclass
class Cluster:
    """A running server. `stop` and `start` play an outage."""

    binaries: Path
    folder: Path
    port: int
    running: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://psplan@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The address of a fresh, empty database."""
        name = f"t{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def start(self) -> None:
        settings = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        words = [str(self.binaries / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self.running = subprocess.Popen(
                [*words, "-clisten_addresses=127.0.0.1", *settings], stdout=log, stderr=log, cwd="/", **_who()
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.05)

    @contextmanager
    def hung(self) -> Iterator[None]:
        """While it lasts, the server and all who serve a connection are there and say nothing."""
        assert self.running is not None
        found = subprocess.run(["pgrep", "-P", str(self.running.pid)], capture_output=True, text=True, check=True)
        stopped = [self.running.pid, *(int(word) for word in found.stdout.split())]
        for each in stopped:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in stopped:
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGCONT)

    def stop(self) -> None:
        """At once, as a crash would."""
        if self.running is not None:
            self.running.send_signal(signal.SIGQUIT)
            self.running.wait(START_TIMEOUT_S)
            self.running = None


def binaries() -> Path | None:
    """Where initdb and postgres are: in the PATH, or where Debian puts them."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += [Path(each) for each in sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)]
    return next((each for each in folders if (each / "initdb").exists() and (each / "postgres").exists()), None)


def _who() -> dict[str, str | int]:
    """PostgreSQL refuses to run as root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}  # type: ignore[dict-item]


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A server with no database of ours; skips or fails where none can be had."""
    found = binaries()
    if found is None:
        reason = "PostgreSQL is not installed (Debian: apt-get install postgresql)"
        assert os.environ.get("TEST_POSTGRES") != "required", reason
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="psplan-pg-") as name:
        folder, port = Path(name), free_port()
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        initdb = [str(found / "initdb"), "-D", str(folder / "data"), "-U", "psplan", "-A", "trust", "-N", "-E", "UTF8"]
        subprocess.run(initdb, check=True, capture_output=True, cwd="/", **_who())
        server = Cluster(found, folder, port)
        try:
            server.start()
            yield server
        finally:
            server.stop()
