"""What came in and what became of it: search, dead letters, and running one again."""

from __future__ import annotations

from functools import partial
from typing import Final
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.responses import Response
from starlette.routing import Route

from app.correlation import correlation_of
from app.events import Source
from app.foresight import Foresight, Unforeseeable
from app.operations import Refused
from app.pages.frame import Frame, NotThere, Visit, to
from app.pages.house import House
from app.pages.visitor import Gatekeeper
from app.store import inbox, lists, outbox
from app.store.schema import DeliveryState

MOST_ROWS: Final = 100
UNFINISHED: Final = (DeliveryState.DEAD, DeliveryState.WAITING)
AHEAD: Final = "ahead"
RETURNS: Final = {"again": "It is being worked on again."}


def delivery_routes(house: House, frame: Frame, gatekeeper: Gatekeeper) -> list[Route]:
    """The list, one delivery, and the form that runs it again. For whom confidential issues are shown."""

    def listing(visit: Visit) -> Response:
        _for_those_who_see_all(visit)
        state = _one_of(visit.asked("state"), DeliveryState)
        source = _one_of(visit.asked("source"), Source)
        words, before = visit.asked("words"), visit.number("before")
        rows = house.read()(
            partial(lists.search_deliveries, state=state, source=source, words=words, most=MOST_ROWS, before=before)
        )
        query = {"state": state or "", "source": source or "", "words": words}
        older = {**query, "before": str(rows[-1].id)} if len(rows) == MOST_ROWS else None
        return frame.page(
            "deliveries.html",
            visit.visitor,
            here="/deliveries",
            title="Deliveries",
            rows=rows,
            counts=house.read()(_counts),
            states=list(DeliveryState),
            sources=list(Source),
            state=state or "",
            source=source or "",
            words=words,
            older=None if older is None else urlencode(older),
        )

    def one(visit: Visit) -> Response:
        _for_those_who_see_all(visit)
        ident = visit.ident_number()
        row = house.read()(lambda c: lists.came_in(c, [ident])).get(ident)
        if row is None:
            raise NotThere
        may_ask = visit.visitor.may_replay and row.has_body and row.state in UNFINISHED
        ahead, why_not = _ahead(house, ident) if may_ask and visit.asked("look") == AHEAD else (None, "")
        return frame.page(
            "delivery.html",
            visit.visitor,
            here="/deliveries",
            title=f"Delivery {ident}",
            row=row,
            correlation=correlation_of(row.source, row.key),
            told=house.read()(lambda c: outbox.read_journal(c, ident)),
            word=RETURNS.get(visit.asked("word"), ""),
            refused="",
            may_ask=may_ask,
            ahead=ahead,
            why_not=why_not,
        )

    async def again(visit: Visit) -> Response:
        _for_those_who_see_all(visit)
        if not visit.visitor.may_replay:
            return frame.problem(403, "You hold no role that may run deliveries again.", retry="/deliveries")
        ident = visit.ident_number()
        try:
            await house.replay(ident)
        except Refused as fault:
            return frame.problem(409, f"It was not run again: {fault}.", retry=f"/deliveries/{ident}")
        return to(f"/deliveries/{ident}?word=again")

    return [
        frame.reading("/deliveries", listing, gatekeeper),
        frame.reading("/deliveries/{ident:int}", one, gatekeeper),
        frame.writing("/deliveries/{ident:int}/replay", again, gatekeeper),
    ]


def _ahead(house: House, ident: int) -> tuple[Foresight | None, str]:
    """What would be done now; or why that cannot be told."""
    try:
        return house.foresee(ident), ""
    except Unforeseeable as fault:
        return None, str(fault)


def _for_those_who_see_all(visit: Visit) -> None:
    """Reasons and lanes tell of confidential engagements as well."""
    if not visit.visitor.sees_confidential:
        raise NotThere


def _counts(connection: Connection) -> dict[str, int]:
    return {state.value: inbox.count(connection, state) for state in (DeliveryState.WAITING, DeliveryState.DEAD)}


def _one_of(word: str, known: type[DeliveryState] | type[Source]) -> str | None:
    return word if word in {each.value for each in known} else None
