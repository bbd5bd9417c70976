"""The morning of everybody who leads engagements: what is theirs to do, what is late, what changed since the last one.

A person gets one digest, by the calendar in which most of their engagements are; whoever has nothing to read gets none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from app.actions import TO_A_PERSON, Action, PostMessage, Retract, Say
from app.digest_words import Digest, digest_message, digest_note
from app.engagement import Engagement
from app.events import DigestDue
from app.issue_text import Playbook
from app.machine.calendars import working_morning_before
from app.machine.clocks import running
from app.methodology.model import Methodology
from app.ports import Issue, Person
from app.registry import Decision, ignore, registry
from app.snapshot import Needs, Snapshot
from app.text import Safe, marker
from handlers.scene import roles_to_see


def _needs(event: DigestDue, engagement: Engagement | None, playbook: Playbook, bot: Person) -> Needs:  # noqa: ARG001
    methodology = playbook.methodology
    if not playbook.has_digests:
        return Needs()
    return Needs(
        issues=frozenset() if methodology.digest.issue is None else frozenset({methodology.digest.issue}),
        roles=dict(roles_to_see((*methodology.digest.roles, *methodology.digest.overview), methodology)),
        pipeline=True,
    )


@registry.on(DigestDue, needs=_needs)
def on_digest(event: DigestDue, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    """To each person a comment on the issue of digests, in place of the last one; else a message in Slack."""
    methodology = playbook.methodology
    issue = snapshot.issues.get(methodology.digest.issue or 0)
    is_by_chat = methodology.digest.issue is None and playbook.has_digests
    if (issue is None and not is_by_chat) or event.calendar not in methodology.calendars:
        return ignore("there is no place for digests")
    digests = list(digests_of(event, _tellable(snapshot, issue), snapshot, methodology, now))
    if not digests:
        return ignore("nobody has anything to read")
    actions = [
        each
        for digest in digests
        for each in (_said(digest, event) if issue is None else _posted(digest, event, issue.iid))
    ]
    return Decision(reasons=(f"{len(digests)} digests of {event.day}",), actions=tuple(actions))


def _tellable(snapshot: Snapshot, issue: Issue | None) -> Iterator[Engagement]:
    """Where everybody reads, nothing that only some may see; US public sector has a channel of its own in Slack."""
    for each in snapshot.pipeline:
        is_pubsec, is_confidential = each.submission.pubsec_us, each.standing.is_confidential
        if not is_pubsec if issue is None else issue.confidential or not (is_pubsec or is_confidential):
            yield each


def digests_of(
    event: DigestDue, shown: Iterable[Engagement], snapshot: Snapshot, methodology: Methodology, now: datetime
) -> Iterator[Digest]:
    """Who gets what this morning; `shown`: what may be told of where it is told."""
    told = list(shown)
    since = working_morning_before(now, methodology.digest.at, methodology.calendars[event.calendar]).timestamp()
    named = {name for role in methodology.digest.roles for name in _holders(role, snapshot)}
    overview = {name for role in methodology.digest.overview for name in _holders(role, snapshot)}
    homes = _homes(told, methodology)
    first = next(iter(methodology.calendars))
    led = {name.lower(): name for each in told for name in each.standing.outlook.leads}
    for key in sorted({*(name for name in led if name in named), *overview}):
        if homes.get(key, first) != event.calendar:
            continue
        own = [each for each in told if key in {name.lower() for name in each.standing.outlook.leads}]
        digest = _digest(led.get(key, key), told if key in overview else own, own, methodology, now, since)
        if any(digest.lists):
            yield digest


def _holders(role: str, snapshot: Snapshot) -> set[str]:
    """Of all segments."""
    return {name for key, names in snapshot.holders.items() if key.partition("@")[0] == role for name in names}


def _homes(engagements: Sequence[Engagement], methodology: Methodology) -> Mapping[str, str]:
    """Person → the calendar of most of what they lead."""
    counted: dict[str, Counter[str]] = {}
    for each in engagements:
        wanted = methodology.calendar_of(each.standing.outlook.segment)
        name = next(key for key, calendar in methodology.calendars.items() if calendar is wanted)
        for lead in each.standing.outlook.leads:
            counted.setdefault(lead.lower(), Counter())[name] += 1
    return {lead: max(sorted(counts), key=lambda key: counts[key]) for lead, counts in counted.items()}


def _digest(
    who: str,
    shown: Sequence[Engagement],
    own: Sequence[Engagement],
    methodology: Methodology,
    now: datetime,
    since: float,
) -> Digest:
    return Digest(
        who=who,
        to_do=tuple(_to_do(own, methodology)),
        late=tuple(_late(shown, methodology, now.timestamp())),
        changed=tuple(_changed(shown, methodology, since)),
    )


def _to_do(engagements: Sequence[Engagement], methodology: Methodology) -> Iterator[tuple[Engagement, str]]:
    """What waits for the people who lead."""
    for each in engagements:
        for waiting in each.standing.outlook.waits.values():
            if set(waiting.roles) & set(methodology.digest.roles):
                yield each, waiting.what[0] if waiting.what else ""


def _late(engagements: Sequence[Engagement], methodology: Methodology, now: float) -> Iterator[tuple[Engagement, str]]:
    for each in engagements:
        calendar = methodology.calendar_of(each.standing.outlook.segment)
        for run in running(each.standing, methodology, calendar):
            if run.due_at is not None and run.due_at <= now:
                day = datetime.fromtimestamp(run.due_at, ZoneInfo(calendar.time_zone)).date()
                yield each, f"{run.clock.title}, since {day.isoformat()}"


def _changed(
    engagements: Sequence[Engagement], methodology: Methodology, since: float
) -> Iterator[tuple[Engagement, str]]:
    """The last move of each track."""
    for each in engagements:
        latest = {move.track: move for move in each.standing.moves if move.at >= since}
        for move in latest.values():
            track = methodology.tracks.get(move.track)
            if track is not None and move.to in track.states:
                yield each, f"{track.title}: {track.states[move.to].title}"


def _posted(digest: Digest, event: DigestDue, iid: int) -> Iterator[Action]:
    key, mark = f"digest:{digest.who}:{event.day}", _mark(digest.who)
    yield Retract(key=f"{key}:last", iid=iid, note_id=None, name=None, reply=mark)
    yield Say(key=key, target=iid, marker=mark, body=(digest_note(digest, event.day, mark),))


def _said(digest: Digest, event: DigestDue) -> Iterator[Action]:
    """In Slack, to this person alone: every morning a new message, since one that changes calls nobody."""
    message, topic = digest_message(digest, event.day), f"digest:{digest.who}:{event.day}"
    yield PostMessage(
        key=f"{topic}:chat",
        engagement="",
        channel=f"{TO_A_PERSON}{digest.who}",
        topic=topic,
        message=message.to_record(),
        digest=message.digest,
    )


def _mark(who: str) -> Safe:
    return marker("digest", who.replace("_", "."))
