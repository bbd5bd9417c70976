"""`psplan sweep` and `psplan deliveries replay`: done by the running service where there is one, else in its place."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from sqlalchemy.exc import DatabaseError

from app.cli_database import print_json, reading
from app.cli_progress import Progress
from app.clock import system_clock
from app.failure import Failure
from app.layers import FileFaults
from app.logs import set_up_logs
from app.main import Service
from app.operations import REPLAY, SWEEP, Refused
from app.settings import Settings, load_part
from app.store import errands, inbox
from app.store.database import DatabaseFault, DatabaseInUse, open_beside
from app.store.records import DeliveryRow
from app.store.schema import DeliveryState
from app.sweep import Swept
from app.templates import TemplateFaults

ANSWER_PATIENCE_S: Final = errands.MOST_AGE_S
"""A sweep of thousands of issues takes minutes."""
WORK_PATIENCE_S: Final = 300.0
SOON_S: Final = 5.0
POLL_S: Final = 0.1


def sweep(arguments: argparse.Namespace) -> int:
    """Look at GitLab now, and bring up to date what was missed; 1 where something could not be looked at."""
    answer = _have_done(SWEEP, {"rebuild": arguments.rebuild})
    found = Swept(**{**answer, "lanes": set(answer["lanes"])})
    with reading() as read:
        is_finished = _wait_for(lambda: not read(partial(inbox.unrested, lanes=found.lanes)))
    if arguments.json:
        print_json(answer)
    else:
        end = ["brought up to date" if is_finished else "the rest is being worked on"] if found.missed else []
        sys.stdout.write("".join(f"{line}\n" for line in [*found.in_words(), *end]))
    return 1 if found.troubles else 0


def replay(arguments: argparse.Namespace) -> int:
    """Work on a delivery once more, or show what would be done; 1 where it did not end well."""
    if arguments.dry_run:
        from app.cli_dry_run import show_what_would_be_done

        return show_what_would_be_done(arguments.id, as_json=arguments.json)
    lane = _have_done(REPLAY, {"id": arguments.id})["lane"]
    with reading() as read:
        _wait_for(lambda: not read(partial(inbox.unrested, lanes=[lane])))
        row = read(lambda c: inbox.by_id(c, arguments.id))
    if row is None:
        raise Failure(f"there is no delivery {arguments.id}")
    if arguments.json:
        print_json({"id": row.id, "state": row.state, "reason": row.reason})
    else:
        sys.stdout.write(f"{_outcome(row)}\n")
    return 0 if row.state in {"done", "ignored"} else 1


def _outcome(row: DeliveryRow) -> str:
    because = f": {row.reason}" if row.reason else ""
    if row.state == DeliveryState.WAITING:
        return f"delivery {row.id} is not done yet, and goes on by itself{because}"
    return f"delivery {row.id} is {row.state} now{because}"


def _have_done(kind: str, words: dict[str, Any]) -> dict[str, Any]:
    """The answer of whoever owns the database: a running service, or this process. Raises Failure."""
    settings = load_part(Settings)
    set_up_logs(style=settings.log_format, secrets=settings.secret_values(), is_quiet=True)
    try:
        return asyncio.run(_alone(Service(settings), kind, words))
    except DatabaseInUse:
        return _hand_over(settings, kind, words)
    except Refused as refused:
        raise Failure(str(refused)) from refused
    except (FileFaults, TemplateFaults, DatabaseFault) as fault:
        raise Failure(str(fault)) from fault


async def _alone(service: Service, kind: str, words: dict[str, Any]) -> dict[str, Any]:
    await service.open(is_serving=False)
    try:
        with Progress() as progress:
            answer = await service.carry_out(kind, words, progress)
        if not await service.idle(within_s=SOON_S, patience_s=WORK_PATIENCE_S):
            sys.stderr.write("psplan: not everything was finished in time; the rest waits for `psplan serve`\n")
        return answer
    finally:
        await service.close()


def _hand_over(settings: Settings, kind: str, words: dict[str, Any]) -> dict[str, Any]:
    """Leave the errand in the database, and wait for what its owner says. Raises Failure."""
    told: list[dict[str, Any]] = []
    if sys.stderr.isatty():
        sys.stderr.write("psplan: a running psplan owns the database, and is asked to do it\n")
    engine = open_beside(settings.database_path)
    try:
        with engine.begin() as connection:
            number = errands.ask(connection, kind, words, now=system_clock())

        def is_answered() -> bool:
            with engine.connect() as connection:
                told.extend(filter(None, [errands.answer_to(connection, number)]))
            return bool(told)

        if not _wait_for(is_answered, patience_s=ANSWER_PATIENCE_S):
            raise Failure("the running service did not answer; its log says what it does")
    except DatabaseError as fault:
        raise Failure(f"{settings.database_path} cannot be used ({fault.orig})") from fault
    finally:
        engine.dispose()
    if "refused" in told[0]:
        raise Failure(told[0]["refused"])
    done: dict[str, Any] = told[0]["done"]
    return done


def _wait_for(is_so: Callable[[], bool], *, patience_s: float = WORK_PATIENCE_S) -> bool:
    until = time.monotonic() + patience_s
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(POLL_S)
    return True
