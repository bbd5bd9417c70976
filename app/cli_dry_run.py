"""`psplan deliveries replay --dry-run`: what a delivery would bring about now; decided, and not carried out."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from app.cli_database import print_json, read_database
from app.clock import at
from app.engagement import Engagement
from app.errors import Permanent, Retry
from app.events import Source, read_event
from app.failure import Failure
from app.logs import set_up_logs
from app.main import Service
from app.methodology import MethodologyFaults
from app.operations import why_not_again
from app.registry import Decision
from app.settings import Settings, load_part
from app.store import inbox, outbox
from app.store.records import DeliveryRow
from app.store.schema import DeliveryState
from app.templates import TemplateFaults


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the database holds of a delivery and of its engagement."""

    row: DeliveryRow
    body: bytes
    engagement: Engagement | None


def show_what_would_be_done(delivery_id: int, *, as_json: bool) -> int:
    """Print the decision and its reasons. Raises Failure."""
    kept = read_database(partial(_keep, delivery_id=delivery_id))
    decision = _decided(kept)
    told = {"id": delivery_id, "actions": [a.describe() for a in decision.actions], "because": list(decision.reasons)}
    if as_json:
        print_json(told)
        return 0
    sys.stdout.write(f"delivery {delivery_id} ({kept.row.state}) would now be decided so:\n")
    sys.stdout.write("".join(f"  because: {each}\n" for each in decision.reasons))
    would = "".join(f"  would {each.describe()}\n" for each in decision.actions)
    sys.stdout.write(would or "  nothing would be done\n")
    return 0


def _keep(connection: Connection, delivery_id: int) -> _Kept:
    row = inbox.by_id(connection, delivery_id)
    newest = None if row is None else inbox.latest_submission(connection, lane=row.lane)
    reason = why_not_again(row, delivery_id, newest)
    # what waits cannot be run again, but can well be asked about
    if row is None or (reason is not None and row.state != DeliveryState.WAITING):
        raise Failure(reason or "")
    return _Kept(row, inbox.body_of(connection, delivery_id), outbox.engagement(connection, row.lane))


def _decided(kept: _Kept) -> Decision:
    settings = load_part(Settings)
    set_up_logs(style=settings.log_format, secrets=settings.secret_values(), is_quiet=True)
    try:
        decider = Service(settings).decider(read_database)
        event = read_event(Source(kept.row.source), kept.body, received_on=at(kept.row.received_at).date())
        return decider.decide(event, kept.engagement, lane=kept.row.lane, is_patient=False)
    except (Retry, Permanent) as fault:
        raise Failure(f"it cannot be decided now: {fault.reason}") from fault
    except (MethodologyFaults, TemplateFaults) as fault:
        raise Failure(str(fault)) from fault
