"""The sandbox as a program of its own: it says where it is, tells a hook, and ends when it is told to."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

import httpx
import pytest

from app.sandbox import token_of
from app.sandbox.__main__ import main

from .receiver import Receiver


def test_the_program_serves_tells_its_hook_and_ends_on_sigterm(receiver: Receiver) -> None:
    words = ["-m", "app.sandbox", "--port", "0", "--hook-url", receiver.url, "--hook-token", "s3cr3t-token"]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        try:
            url = program.stdout.readline().split()[2]
            headers = {"PRIVATE-TOKEN": token_of("alice")}
            httpx.post(f"{url}/api/v4/projects/2/issues", json={"title": "x"}, headers=headers, trust_env=False)
            delivery = receiver.wait_for(lambda arrived: arrived.action == "open")
        finally:
            program.send_signal(signal.SIGTERM)
        assert delivery.headers["X-Gitlab-Token"] == "s3cr3t-token"
        assert token_of("ps-bot") in program.stdout.read()
        assert program.wait(10) == 0


def test_a_taken_port_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 1
    assert capsys.readouterr().err.startswith("cannot listen on 127.0.0.1:")
