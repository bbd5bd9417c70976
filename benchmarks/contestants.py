"""Services as processes of their own: started, measured from outside, stopped."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.sandbox.people import token_of
from benchmarks.bare import TOKEN

KEY = "whsec_" + base64.b64encode(b"benchmark" * 4).decode()
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 40.0
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A running service; `ready_s`: from its start to its first answer."""

    port: int
    pid: int
    ready_s: float

    def cpu_s(self) -> float:
        """CPU seconds used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@contextmanager
def bare() -> Iterator[Contestant]:
    """The control, under the same uvicorn settings."""
    port = free_port()
    with running(uvicorn(sys.executable, "benchmarks.bare:app", port), port, "/openapi.json", {}) as contestant:
        yield contestant


@contextmanager
def psplan(folder: Path, gitlab_url: str, **more: str) -> Iterator[Contestant]:
    """`psplan serve` on a fresh database; `more`: of its environment."""
    port = free_port()
    env = {
        "PSPLAN_GITLAB_URL": gitlab_url,
        "PSPLAN_GITLAB_TOKEN": token_of("ps-bot"),
        "PSPLAN_GITLAB_LIMITS": "api=0",
        "PSPLAN_PROJECT": "ps/ps-plan",
        "PSPLAN_WEBHOOK_TOKENS": TOKEN,
        "PSPLAN_CALCULATOR_KEYS": KEY,
        "PSPLAN_METHODOLOGY": str(ROOT / "app" / "sandbox" / "demo-methodology.yaml"),
        "PSPLAN_DATABASE_URL": f"sqlite:///{folder / 'bench.sqlite3'}",
        "PSPLAN_LOG_FORMAT": "json",
        **more,
    }
    words = [sys.executable, "-m", "app", "serve", "--port", str(port)]
    with running(words, port, "/readyz", env) as contestant:
        yield contestant


@contextmanager
def sandbox() -> Iterator[str]:
    """The sandbox GitLab, in a process of its own; its URL."""
    port = free_port()
    with running([sys.executable, "-m", "app.sandbox", "--port", str(port)], port, "/_sandbox/requests", {}):
        yield f"http://127.0.0.1:{port}"


def uvicorn(python: str, app: str, port: int) -> list[str]:
    """The words that serve an ASGI application."""
    return [python, "-m", "uvicorn", app, "--port", str(port), "--no-access-log", "--log-level", "warning"]


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return int(opened.getsockname()[1])


@contextmanager
def running(words: Sequence[str], port: int, probe: str, env: dict[str, str]) -> Iterator[Contestant]:
    """A program, from its first answer to `probe` on."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PSPLAN_")}
    began = time.monotonic()
    process = subprocess.Popen(
        words,
        env={**clean, **env, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _answers(port, probe):
            if process.poll() is not None or time.monotonic() - began > START_TIMEOUT_S:
                raise RuntimeError(f"{' '.join(words)} did not start")
            time.sleep(0.01)
        yield Contestant(port, process.pid, time.monotonic() - began)
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=STOP_TIMEOUT_S)


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
