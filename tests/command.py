"""`psplan …` run in this process: what it says and how it ends, without the seconds that a new interpreter takes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from structlog.testing import capture_logs

from app import cli_doctor, cli_dry_run, cli_operator, cli_setup
from app.cli import main

_SET_UP_LOGS = (cli_doctor, cli_dry_run, cli_operator, cli_setup)


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def line_of(self, subject: str) -> str:
        """The first line of the doctor about something."""
        return next(line for line in self.out.splitlines() if f"  {subject}  " in line)


def run_psplan(*words: str, folder: Path, env: Mapping[str, str]) -> Ran:
    """In that folder, with these settings and no others."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("PSPLAN_")}
    out, err = StringIO(), StringIO()
    with ExitStack() as around:
        around.enter_context(patch.dict(os.environ, {**others, **env}, clear=True))
        around.enter_context(chdir(folder))
        around.enter_context(capture_logs())
        for module in _SET_UP_LOGS:  # the log of all tests is not this command's
            around.enter_context(patch.object(module, "set_up_logs", lambda **_: None))
        around.enter_context(redirect_stdout(out))
        around.enter_context(redirect_stderr(err))
        try:
            code = main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Ran(code, out.getvalue(), err.getvalue())
