"""An operator's desk for tests: a sandbox GitLab, an address where the service would be, and `psplan` beside them."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.cli_patient import HOOK_PATH
from app.methodology import load_methodology
from app.sandbox import SandboxServer, World, token_of
from app.sandbox.webhooks import EVENT_NAMES
from app.settings import Settings, load_settings
from app.setup.desired import EVENTS, Desired, desired
from app.setup.forms import load_forms
from tests.command import Ran, run_psplan
from tests.harness import HOOK_TOKEN, KEY, METHODOLOGY, environment

SIGNING_KEY = "whsec_" + base64.b64encode(b"signing." * 4).decode()


class Ears:
    """Stands where the service would: alive, and answers deliveries with `status`."""

    def __init__(self) -> None:
        self.status = 202
        self.health: bytes = b'{"status":"ok"}'
        ears = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(200, ears.health)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._answer(ears.status, b"")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Ears:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Desk:
    """`env` is what the next command finds; None takes a setting away."""

    world: World
    folder: Path
    ears: Ears
    env: dict[str, str]
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    files: dict[str, Path] = field(default_factory=dict)

    def psplan(self, *words: str) -> Ran:
        """Run it in this process."""
        return run_psplan(*words, folder=self.folder, env=self.env)

    @property
    def hook_url(self) -> str:
        return self.ears.url + HOOK_PATH

    @property
    def settings(self) -> Settings:
        with self.monkeypatch.context() as patch:
            patch.chdir(self.folder)
            for name, value in self.env.items():
                patch.setenv(name, value)
            return load_settings()

    def desired(self) -> Desired:
        """How the project should be, by these settings."""
        methodology = load_methodology(Path(self.env["PSPLAN_METHODOLOGY"]))
        return desired(methodology, self.settings, hook_path=HOOK_PATH, forms=load_forms(None))

    def writes(self) -> int:
        """How many writing requests GitLab has seen."""
        return sum(self.world.count(verb, ".") for verb in ("POST", "PUT", "DELETE"))

    def methodology(self, text: str, *, cora: str | None = None) -> None:
        """Another methodology: the demo's people, and what the text adds; a group in Cora's place."""
        file = self.folder / "methodology.yaml"
        people = Path(METHODOLOGY).read_text()
        if cora is not None:
            people = people.replace("{users: [cora]}", f"{{groups: [{cora}]}}")
        file.write_text(people + text)
        self.env["PSPLAN_METHODOLOGY"] = str(file)


@contextmanager
def desk(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **switches: Any
) -> Iterator[Desk]:
    """With settings that leave nothing to wish for, and a project in which nothing was made yet."""
    world = World(hook_delay_s=0.0, busy_window_s=0.0, **switches)
    with SandboxServer(world) as sandbox, Ears() as ears:
        env = environment(
            folder,
            sandbox.url,
            PSPLAN_GITLAB_ADMIN_TOKEN=token_of("root"),
            PSPLAN_PUBLIC_URL=ears.url,
            PSPLAN_RECORD_KEYS=KEY,
            PSPLAN_DATABASE_URL=f"sqlite:///{folder / 'psplan.sqlite3'}",
        )
        yield Desk(world, folder, ears, env, monkeypatch, capsys)


def furnish(on: Desk) -> None:
    """Make everything that `psplan setup` makes, past REST."""
    wanted, world = on.desired(), on.world
    for label in wanted.labels:
        world.create_label("root", label.name, color=label.colour, description=label.description)
    for board in wanted.boards:
        made = world.create_board("root", board.name)
        for name in board.lists:
            world.add_board_list("root", made.id, label_id=world.label(name).id)
    toggles = dict.fromkeys(EVENT_NAMES, False) | dict.fromkeys(EVENTS, True)
    world.add_hook("root", on.hook_url, token=HOOK_TOKEN, **toggles)
    for form in wanted.forms:
        world.create_file("root", form.path, form.text.encode(), branch="main")
