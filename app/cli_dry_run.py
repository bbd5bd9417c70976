"""`psplan deliveries replay --dry-run`: what a delivery would bring about now; decided, and not carried out."""

from __future__ import annotations

import sys
from functools import partial
from typing import Final

from sqlalchemy import Connection

from app.cli_database import print_json, reading
from app.engine.deciding import event_of, rightful_lane
from app.errors import Permanent, Retry
from app.events import Source
from app.failure import Failure
from app.logs import set_up_logs
from app.main import Service
from app.methodology import MethodologyFaults
from app.operations import why_not_again
from app.registry import Decision
from app.settings import Settings, load_part
from app.store import inbox, outbox
from app.store.memory import Read
from app.store.records import DeliveryRow
from app.store.schema import DeliveryState
from app.templates import TemplateFaults

MOST_MOVES: Final = 3
"""From an issue to an engagement, and from a block in an issue to the engagement that it names."""


def show_what_would_be_done(delivery_id: int, *, as_json: bool) -> int:
    """Print the decision and its reasons. Raises Failure."""
    with reading() as read:
        row = read(partial(_replayable, delivery_id=delivery_id))
        decision = _decided(row, read)
    told = {"id": delivery_id, "actions": [a.describe() for a in decision.actions], "because": list(decision.reasons)}
    if as_json:
        print_json(told)
        return 0
    sys.stdout.write(f"delivery {delivery_id} ({row.state}) would now be decided so:\n")
    sys.stdout.write("".join(f"  because: {each}\n" for each in decision.reasons))
    would = "".join(f"  would {each.describe()}\n" for each in decision.actions)
    sys.stdout.write(would or "  nothing would be done\n")
    return 0


def _replayable(connection: Connection, delivery_id: int) -> DeliveryRow:
    row = inbox.by_id(connection, delivery_id)
    newest = None if row is None else inbox.latest_submission(connection, lane=row.lane)
    reason = why_not_again(row, delivery_id, newest)
    # what waits cannot be run again, but can well be asked about
    if row is None or (reason is not None and row.state != DeliveryState.WAITING):
        raise Failure(reason or "")
    return row


def _decided(row: DeliveryRow, read: Read) -> Decision:
    """As the engine would decide it, wherever it would move the delivery before."""
    settings = load_part(Settings)
    set_up_logs(style=settings.log_format, secrets=settings.secret_values(), is_quiet=True)
    try:
        decider = Service(settings).decider(read)
        body = read(partial(inbox.body_of, delivery_id=row.id))
        is_dead = row.state == DeliveryState.DEAD
        event = event_of(Source(row.source), body, received_at=row.received_at, was_parked=is_dead)
        lane = rightful_lane(event, row.lane, lambda iid: read(partial(outbox.lane_of_issue, iid=iid))) or row.lane
        for _ in range(MOST_MOVES):
            engagement = read(partial(outbox.engagement, ident=lane))
            decision = decider.decide(event, engagement, lane=lane, is_patient=False)
            if decision.lane in {None, lane}:
                break
            lane = decision.lane or lane
        return decision
    except (Retry, Permanent) as fault:
        raise Failure(f"it cannot be decided now: {fault.reason}") from fault
    except (MethodologyFaults, TemplateFaults) as fault:
        raise Failure(str(fault)) from fault
