"""A database as it looks after months of work: engagements that went their way, with journal, moves and verdicts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection, insert

from app.engagement import Engagement, EngagementId, IssueLink, IssueRole
from app.machine.gates import GateState
from app.machine.standing import Approval, Outlook, Paper, Place, Standing, Verdict, Waiting
from app.methodology import load_methodology
from app.methodology.model import Methodology
from app.methodology.process import Kind
from app.store import outbox
from app.store.schema import deliveries, journal
from app.submission import parse_submission

DAY_S = 86_400.0
HOUR_S = 3_600.0
SEGMENTS = ("Ent_EMEA", "Ent_EAST", "MM_EMEA", "SMB", "Ent_APAC")
LEADS = ("erin", "edgar", "ella", "enzo")
FIRST = ("Northwind", "Globex", "Initech", "Umbrella", "Stark", "Wayne", "Acme", "Hooli", "Vandelay", "Wonka")
SECOND = ("Robotics", "Energy", "Bank", "Logistics", "Health", "Insurance", "Foods", "Rail", "Telecom", "Airlines")
MOST_DAYS = 400


def seed(connection: Connection, count: int, *, now: float, entries: int = 0, at: str = "https://gitlab.test") -> None:
    """`count` engagements; `entries`: so many lines of journal among all of them."""
    rng = random.Random(7)
    methodology = load_methodology()
    for number, engagement in enumerate(engagements(count, rng, methodology, now=now, at=at)):
        outbox.keep_engagement(connection, engagement, before=None, now=now)
        if entries:
            _work(connection, engagement, number, rng, now=now, entries=entries // count)


def engagements(
    count: int, rng: random.Random, methodology: Methodology, *, now: float, at: str
) -> Iterator[Engagement]:
    """So many, each somewhere on its way."""
    for number in range(count):
        yield _engagement(number, rng, methodology, now=now, at=at)


def _engagement(number: int, rng: random.Random, methodology: Methodology, *, now: float, at: str) -> Engagement:
    ident = str(UUID(int=rng.getrandbits(128), version=4))
    begun = now - rng.uniform(0.2, MOST_DAYS) * DAY_S
    given = {
        "submission_id": ident,
        "customer_name": f"{rng.choice(FIRST)} {rng.choice(SECOND)} {number}",
        "requester_gitlab_username": "alice",
        "requester_email": "alice@example.com",
        "services": ["implementation"],
        "pubsec_us": rng.random() < 0.05,
    }
    links = {
        kind: IssueLink(2 * number + place, f"{at}/ps/ps-plan/-/issues/{2 * number + place}")
        for place, kind in enumerate(IssueRole, start=1)
    }
    standing = _standing(rng, methodology, begun=begun, now=now)
    return Engagement(
        EngagementId(ident), parse_submission(given, today=date.min), issues=links, is_linked=True, standing=standing
    )


def _standing(rng: random.Random, methodology: Methodology, *, begun: float, now: float) -> Standing:
    track = methodology.tracks["proposal"]
    standing, moment = Standing(begun_at=begun), begun
    standing = standing.at("proposal", Place(track.start, begun)).at("intake", Place("draft", begun))
    for state in track.path[1:]:
        moment += rng.expovariate(1 / (9 * DAY_S)) + 2 * HOUR_S
        if moment > now or rng.random() < 0.06:
            break
        if state == "sow_wip" and rng.random() < 0.2:
            standing = standing.at("proposal", Place(track.path[1], moment, is_back=True))
            moment += rng.expovariate(1 / (4 * DAY_S))
        standing = standing.at("proposal", Place(state, moment))
    end = track.of_kind(Kind.LOST)
    if end is not None and standing.places["proposal"].state != track.path[-1] and rng.random() < 0.4 and moment < now:
        standing = standing.at("proposal", Place(end, moment))
    return _with_outlook(_with_papers(standing, rng, begun), rng, methodology)


def _with_papers(standing: Standing, rng: random.Random, begun: float) -> Standing:
    if len(standing.moves) < 4:
        return standing
    at = begun + 2 * DAY_S
    amount = Decimal(rng.randrange(8_000, 180_000, 500))
    paper = Paper(1, "erin", at, amount=amount, currency=rng.choice(("USD", "USD", "EUR", "GBP")), form="tm")
    verdict = Verdict.FAILED if rng.random() < 0.15 else Verdict.PASSED
    said = Approval(verdict, "tess", at + rng.expovariate(1 / (30 * HOUR_S)), 1, papers={"estimate": paper})
    return replace(standing, papers={"estimate": paper}, approvals={"ta": said})


def _with_outlook(standing: Standing, rng: random.Random, methodology: Methodology) -> Standing:
    place = standing.places["proposal"]
    state = methodology.tracks["proposal"].states[place.state]
    waits = {} if state.is_end else {"proposal": Waiting((state.dri,), place.since, (f"{state.step}",))}
    gates = dict.fromkeys(methodology.gates, GateState.OPEN.value) | dict.fromkeys(
        standing.approvals, GateState.PASSED.value
    )
    clocks = {} if state.is_end else {"proposal": ("estimate", place.since + 3 * DAY_S)}
    outlook = Outlook(waits, gates, (rng.choice(LEADS),), rng.choice(SEGMENTS), None, clocks)
    return replace(standing, outlook=outlook)


def _work(
    connection: Connection, engagement: Engagement, number: int, rng: random.Random, *, now: float, entries: int
) -> None:
    begun = engagement.standing.begun_at or now
    moments = sorted(rng.uniform(begun, now) for _ in range(max(1, entries // 2)))
    came_in = [
        {
            "source": "gitlab",
            "key": f"seed-{number}-{place}",
            "lane": engagement.id,
            "kind": rng.choice(("Issue Hook", "Note Hook")),
            "body": b"{}",
            "digest": "",
            "received_at": moment,
            "state": "dead" if rng.random() < 0.0005 else "done",
            "attempts": 0,
            "deaths": 0,
            "due_at": moment,
            "was_parked": False,
            "reason": None,
        }
        for place, moment in enumerate(moments)
    ]
    connection.execute(insert(deliveries), came_in)
    first = connection.exec_driver_sql("SELECT max(id) FROM deliveries").scalar_one() - len(came_in) + 1
    lines = [
        {"lane": engagement.id, "delivery_id": first + place, "at": moment + later, "entry": entry}
        for place, moment in enumerate(moments)
        for later, entry in (
            (0.0, '{"decided":["change the scoping issue"],"because":["erin set a label"]}'),
            (0.1, '{"done":"change the scoping issue"}'),
        )
    ]
    connection.execute(insert(journal), lines)
