"""`psplan` that dies by kill -9 at a point of one's choice; the points are every commit and every call to a vendor.

Run as `python -m tests.crash.mortal serve …`. `MORTAL_DIE_AT=n`: die at the n-th point (0: never); or
`MORTAL_DIE_ON=name`: at every point of that name; or `MORTAL_DIE_OF=word`: of every event with that word, before
anything is decided about it. `MORTAL_AHEAD_S=seconds`: its clock is so far ahead.
`MORTAL_ARMED_BY=file`: points count only once that file is there.
`MORTAL_POINTS=file`: append the name of every point that is passed.
`MORTAL_MORNING=file`: the working day whose morning it is everywhere; no file, no morning.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from app import routines
from app.adapters.gitlab import PythonGitLab
from app.adapters.salesforce import SalesforceApi
from app.adapters.slack import SlackBot
from app.adapters.smtp import SmtpPost
from app.cli import main
from app.engine.deciding import Decider
from app.letter import Letter
from app.main import Service
from app.store import writer

DIE_AT = int(os.environ.get("MORTAL_DIE_AT", "0"))
DIE_ON = os.environ.get("MORTAL_DIE_ON")
DIE_OF = os.environ.get("MORTAL_DIE_OF")
AHEAD_S = float(os.environ.get("MORTAL_AHEAD_S", "0"))
ARMED_BY = os.environ.get("MORTAL_ARMED_BY")
POINTS = os.environ.get("MORTAL_POINTS")
MORNING = os.environ.get("MORTAL_MORNING")


class Fate:
    """Counts points, and ends the process at the chosen one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.passed = 0

    def point(self, name: str) -> None:
        with self.lock:
            if not self.passed and ARMED_BY and not Path(ARMED_BY).exists():
                return
            self.passed += 1
            if POINTS:
                with Path(POINTS).open("a") as file:
                    file.write(name + "\n")
            if self.passed == DIE_AT or name == DIE_ON:
                os.kill(os.getpid(), signal.SIGKILL)


fate = Fate()
real_commit = writer._commit
real_call = PythonGitLab._call
real_slack_call = SlackBot._call
real_salesforce_call = SalesforceApi._once
real_send = SmtpPost.send
real_decide = Decider.decide


def mortal_commit(connection: Any, items: Any, insert: Any) -> None:
    fate.point("before a commit")
    real_commit(connection, items, insert)
    fate.point("after a commit")


def mortal_call(self: PythonGitLab, verb: str, bucket: str, ask: Any) -> Any:
    fate.point(f"before {verb}")
    answer = real_call(self, verb, bucket, ask)
    fate.point(f"after {verb}")
    return answer


def mortal_slack_call(self: SlackBot, method: str, *words: Any, **named: Any) -> Any:
    fate.point(f"before {method}")
    answer = real_slack_call(self, method, *words, **named)
    fate.point(f"after {method}")
    return answer


def mortal_salesforce_call(self: SalesforceApi, session: Any, verb: str, *words: Any, **named: Any) -> Any:
    fate.point(f"before {verb} in Salesforce")
    answer = real_salesforce_call(self, session, verb, *words, **named)
    fate.point(f"after {verb} in Salesforce")
    return answer


def mortal_send(self: SmtpPost, letter: Letter) -> None:
    fate.point("before SEND mail")
    real_send(self, letter)
    fate.point("after SEND mail")


def mortal_decide(self: Decider, event: Any, *values: Any, **named: Any) -> Any:
    if DIE_OF and DIE_OF in repr(event):
        os.kill(os.getpid(), signal.SIGKILL)
    return real_decide(self, event, *values, **named)


def mortal_clock() -> float:
    return time.time() + AHEAD_S


def mortal_mornings(*_: object, **__: object) -> Iterator[date]:
    if MORNING and Path(MORNING).exists():
        yield date.fromisoformat(Path(MORNING).read_text())


writer._commit = mortal_commit
Decider.decide = mortal_decide  # type: ignore[method-assign]
Service.__init__.__kwdefaults__["clock"] = mortal_clock
routines.mornings = mortal_mornings
routines.DIGESTS_EVERY_S = 0.05
PythonGitLab._call = mortal_call  # type: ignore[method-assign]
SlackBot._call = mortal_slack_call  # type: ignore[method-assign]
SalesforceApi._once = mortal_salesforce_call  # type: ignore[assignment, method-assign]
SmtpPost.send = mortal_send  # type: ignore[method-assign]

if __name__ == "__main__":
    sys.exit(main())
