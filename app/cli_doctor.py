"""`psplan doctor`: what is as it should be and what is not, a line each, with what mends it."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from app.cli_database import print_json
from app.cli_lines import ARROW, columns, number
from app.cli_patient import operators_project, patient_of
from app.cli_progress import Progress
from app.doctor import Finding, State, examine
from app.errors import Permanent, Retry
from app.logs import set_up_logs
from app.settings import Settings
from app.settings_survey import Survey, survey
from app.setup.perform import Performer
from app.setup.ready import secrets_of

ORDER: Final = (State.BROKEN, State.WARNING, State.OK, State.NOT_CONFIGURED, State.NOT_CHECKED)


def doctor(arguments: argparse.Namespace) -> int:
    """Look, mend what is safe if that is asked for and look again; 1 where something is broken."""
    began = time.monotonic()
    surveyed = survey()
    set_up_logs(style="auto", secrets=surveyed.settings.secret_values(), is_told=True)
    found = _look(surveyed)
    if arguments.fix and any(finding.fix for finding in found):
        mended = _mend(found, surveyed.settings)
        sys.stdout.write("" if arguments.json else columns(mended) + "\n")
        found = _look(surveyed)
    if arguments.json:
        print_json([finding.to_record() for finding in found])
    else:
        _print(found, time.monotonic() - began)
    return 1 if any(finding.state is State.BROKEN for finding in found) else 0


def _look(surveyed: Survey) -> list[Finding]:
    with Progress() as progress:
        return examine(patient_of(surveyed), tell=progress)


def _mend(found: Sequence[Finding], settings: Settings) -> list[tuple[str, str]]:
    """Take every step that mends something; a line for each."""
    steps = [change for finding in found for change in finding.fix]
    told = []
    with Progress() as progress:
        performer = Performer(operators_project(settings), secrets_of(settings), tell=progress)
        for place, change in enumerate(steps, start=1):
            try:
                performer.perform(change)
                told.append((change.sign, change.describe()))
            except (Retry, Permanent) as fault:
                told.append(("failed", f"{change.describe()}: {fault.reason}"))
            progress("mending", place, len(steps))
    return told


def _print(found: Sequence[Finding], took_s: float) -> None:
    rows = [(each.state.value, each.subject, each.reason + (ARROW + each.mend if each.mend else "")) for each in found]
    counted = Counter(each.state for each in found)
    told = ", ".join(_counted(state, counted[state]) for state in ORDER if counted[state])
    sys.stdout.write(f"{columns(rows)}\n{told}, in {took_s:.1f} s\n")
    fixable = sum(bool(each.fix) for each in found)
    if fixable:
        sys.stdout.write(f"psplan doctor --fix mends {fixable} of them\n")


def _counted(state: State, count: int) -> str:
    return number(count, "warning") if state is State.WARNING else f"{count} {state.value}"
