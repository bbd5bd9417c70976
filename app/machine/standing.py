"""Where an engagement stands: its places on the tracks, approvals, documents, and what the bot has done about them.

Frozen values, and their form as a record: the record is stored, and travels signed in the status note, so that a lost
database does not lose an approval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from app.machine.meeting import Meeting, meeting_from_record
from app.methodology.parts import IssueKind
from app.methodology.process import Document
from app.opportunity import Opportunity, opportunity_from_record

MOST_MOVES: Final = 40
"""So many are kept, and travel in the status note: an engagement that goes its way has about fifteen."""
MOST_TIMES: Final = 24
"""So often is kept when something happened."""


class Verdict(StrEnum):
    """What a holder of a role said at a gate."""

    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Place:
    """A state on a track since when (seconds since 1970), and the one it left where it may come back to it.

    `pulled`: the other track brought it here, and takes it back when it comes back itself. `until` (a day, ISO) and
    `words` are what a person said of a pause or an end. `is_back`: it came here from further on.
    """

    state: str
    since: float
    left: str | None = None
    pulled: bool = False
    until: str | None = None
    words: str | None = None
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class Return:
    """A move back by command, with its reason, to be told later."""

    track: str
    came_from: str
    to: str
    by: str
    at: float
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A step on a track: from which state (None: it begins) to which, when, and whether that was a step back."""

    track: str
    came_from: str | None
    to: str
    at: float
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class Paper:
    """A document on record; `amount` and `currency` for an estimate only."""

    version: int
    by: str
    at: float
    url: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    form: str | None = None
    source: str = "command"
    """`submission` or `command`."""
    file: str | None = None
    """Where it was uploaded (`app.uploads`): that very file, which nobody can change."""
    of: int | None = None
    """Version of the estimate that was on record when this was put there."""
    is_internal: bool = False
    """Its file is told nobody who cannot see internal comments."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What was said at a gate, by whom (user name), when, about which serial of its document (`Standing.version`).

    `digest` is that of everything it is bound to, and `papers` are those very documents: so it can be told what changed
    since. `words`: the reason that was given.
    """

    verdict: Verdict
    by: str
    at: float
    version: int
    digest: str = ""
    papers: Mapping[str, Paper] = field(default_factory=dict)
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that a person said to be so: an agreement, a stamp, a signature. It counts for what `digest` names.

    `version` and `papers` as of an approval.
    """

    by: str
    at: float
    document: str
    digest: str
    words: str | None = None
    version: int = 0
    papers: Mapping[str, Paper] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whom an issue waits for (roles), since when (seconds since 1970), and for what (titles)."""

    roles: tuple[str, ...]
    since: float
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What lists of engagements tell of this one, as it was when it was last looked at.

    `waits`: track → whom it waits for there; one that waits for nobody is not there. `leads`: the users who lead it.
    `gates`: gate → how it stands (`gates.GateState`). `due`: the day (ISO) that GitLab shows on the issue. `clocks`:
    track → of the clocks that run there, the one whose time is over first, and when that is.
    """

    waits: Mapping[str, Waiting] = field(default_factory=dict)
    gates: Mapping[str, str] = field(default_factory=dict)
    leads: tuple[str, ...] = ()
    segment: str | None = None
    due: str | None = None
    clocks: Mapping[str, tuple[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything the process knows of an engagement.

    `begun_at`: when the engagement began, by our clock. `is_confidential`: one of its issues is, as last seen. `marks`:
    what people said to be so, by its name in the methodology. `answered`: key → the second and the comment in which
    the latest order to write something there was given, so that one that is found late does not replace it; of
    orders that write into no table a key of their own (handlers/lateness.py). `reopened` counts how often a
    document was opened again without a new one. `asked`: gate or ask → version for which it was asked; and of what
    could not follow, how often that was told; and of a yes that fell, which one. `returns`: the last moves back.
    `moves`: the last ones of all, oldest first. `seen`, `seen_states`: issue → the last label event, and the last
    closing or opening, that was worked on. `setters`: issue and label (`label_key`) → who set it, where it counts
    only when certain people set it. `newest`: issue and scope → the label of that scope that was set last, of
    scopes that no track or gate looks after. `set_at`: the same → the second in which one was set by hand.
    `declined`: automatic moves that a person went back over; they rest until their cause has gone. `serial` counts
    the decisions that did something: of two records the higher one is newer. `notes`: issue → id of its status
    note. `told`: issue → what that note says, as a digest. `outlook`: for lists; nothing is decided by it.
    `happened`: what clocks go by (`app.machine.timeline`) → when that was, in order; of what counts but once, the first
    time. `active_at`: when somebody last did or said anything. `wake_at`: when a clock has to be looked at next.
    `meetings`: by their names in the methodology. `attached`: document → id of the comment that it hangs on.
    `files`: the same → where the file itself was uploaded to. `made_from`: of drafts → the version of the estimate.
    `opportunity`: as Salesforce told of it last. `confidence`: what the EM said of the chances, and why.
    """

    begun_at: float | None = None
    is_confidential: bool = False
    places: Mapping[str, Place] = field(default_factory=dict)
    approvals: Mapping[str, Approval] = field(default_factory=dict)
    papers: Mapping[str, Paper] = field(default_factory=dict)
    marks: Mapping[str, Mark] = field(default_factory=dict)
    answered: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    reopened: Mapping[str, int] = field(default_factory=dict)
    asked: Mapping[str, int] = field(default_factory=dict)
    returns: tuple[Return, ...] = ()
    moves: tuple[Move, ...] = ()
    started: frozenset[str] = frozenset()
    seen: Mapping[str, int] = field(default_factory=dict)
    seen_states: Mapping[str, int] = field(default_factory=dict)
    setters: Mapping[str, str] = field(default_factory=dict)
    newest: Mapping[str, str] = field(default_factory=dict)
    set_at: Mapping[str, int] = field(default_factory=dict)
    declined: frozenset[str] = frozenset()
    serial: int = 0
    notes: Mapping[str, int] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)
    outlook: Outlook = field(default_factory=Outlook)
    happened: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    active_at: float | None = None
    wake_at: float | None = None
    meetings: Mapping[str, Meeting] = field(default_factory=dict)
    attached: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    made_from: Mapping[str, int] = field(default_factory=dict)
    opportunity: Opportunity | None = None
    confidence: str | None = None

    def version(self, document: Document | None) -> int:
        """A serial of a document, by which approvals are told apart: it counts also how often it was opened again.

        For the machine alone: people know the versions of the documents themselves (`Paper.version`). 0: nothing is on
        record.
        """
        if document is None:
            return 0
        paper = self.papers.get(document)
        return (0 if paper is None else paper.version) + self.reopened.get(document, 0)

    def at(self, track: str, place: Place) -> Standing:
        """The same, elsewhere on one track."""
        came_from = self.places.get(track)
        if came_from is not None and came_from.state == place.state:
            return self.but(places={**self.places, track: place})
        move = Move(track, None if came_from is None else came_from.state, place.state, place.since, place.is_back)
        return self.but(places={**self.places, track: place}, moves=(*self.moves, move)[-MOST_MOVES:])

    def but(self, **changes: Any) -> Standing:
        """The same with these fields: as `dataclasses.replace`, at half the price, for what every decision does."""
        made = object.__new__(Standing)
        for name in Standing.__slots__:
            object.__setattr__(made, name, changes[name] if name in changes else getattr(self, name))
        return made

    def with_marks(self, marks: Mapping[str, Mark]) -> Standing:
        """The same with these marks."""
        return replace(self, marks=marks)

    def to_record(self) -> dict[str, Any]:
        """As stored: JSON values only."""
        return {
            "begun_at": self.begun_at,
            "is_confidential": self.is_confidential,
            "places": {name: _plain(place) for name, place in self.places.items()},
            "approvals": {name: _plain(each) for name, each in self.approvals.items()},
            "papers": {name: _plain(each) for name, each in self.papers.items()},
            "marks": {name: _plain(each) for name, each in self.marks.items()},
            "answered": {key: list(place) for key, place in self.answered.items()},
            "reopened": dict(self.reopened),
            "asked": dict(self.asked),
            "returns": [_plain(each) for each in self.returns],
            "moves": [[each.track, each.came_from, each.to, each.at, each.is_back] for each in self.moves],
            "started": sorted(self.started),
            "seen": dict(self.seen),
            "seen_states": dict(self.seen_states),
            "setters": dict(self.setters),
            "newest": dict(self.newest),
            "set_at": dict(self.set_at),
            "declined": sorted(self.declined),
            "serial": self.serial,
            "notes": dict(self.notes),
            "told": dict(self.told),
            "outlook": _outlook_record(self.outlook),
            "happened": {what: list(times) for what, times in self.happened.items()},
            "active_at": self.active_at,
            "wake_at": self.wake_at,
            "meetings": {name: each.to_record() for name, each in self.meetings.items()},
            "attached": dict(self.attached),
            "files": dict(self.files),
            "made_from": dict(self.made_from),
            "opportunity": None if self.opportunity is None else self.opportunity.to_record(),
            "confidence": self.confidence,
        }


def label_key(on: IssueKind, label: str) -> str:
    """How `setters` and `newest` name a label, or a scope, on an issue."""
    return f"{on.value}:{label}"


def standing_from_record(record: Mapping[str, Any]) -> Standing:
    """What `to_record` wrote, or an earlier version of it: what it did not know yet is as in a new engagement."""
    record = {**Standing().to_record(), **record}
    return Standing(
        begun_at=record["begun_at"],
        is_confidential=record["is_confidential"],
        places={name: Place(**each) for name, each in record["places"].items()},
        approvals={name: _approval(each) for name, each in record["approvals"].items()},
        papers={name: _paper(each) for name, each in record["papers"].items()},
        marks={name: _mark(each) for name, each in record["marks"].items()},
        answered={key: (second, note) for key, (second, note) in record["answered"].items()},
        reopened=record["reopened"],
        asked=record["asked"],
        returns=tuple(Return(**each) for each in record["returns"]),
        moves=tuple(Move(*each) for each in record["moves"]),
        started=frozenset(record["started"]),
        seen=record["seen"],
        seen_states=record["seen_states"],
        setters=record["setters"],
        newest=record["newest"],
        set_at=record["set_at"],
        declined=frozenset(record["declined"]),
        serial=record["serial"],
        notes=record["notes"],
        told=record["told"],
        outlook=_outlook(record["outlook"]),
        happened={what: tuple(times) for what, times in record["happened"].items()},
        active_at=record["active_at"],
        wake_at=record["wake_at"],
        meetings={name: meeting_from_record(each) for name, each in record["meetings"].items()},
        attached=record["attached"],
        files=record["files"],
        made_from=record["made_from"],
        opportunity=opportunity_from_record(record["opportunity"]),
        confidence=record["confidence"],
    )


def _approval(record: Mapping[str, Any]) -> Approval:
    papers = {name: _paper(each) for name, each in record.get("papers", {}).items()}
    return Approval(**{**record, "verdict": Verdict(record["verdict"]), "papers": papers})


def _mark(record: Mapping[str, Any]) -> Mark:
    return Mark(**{**record, "papers": {name: _paper(each) for name, each in record.get("papers", {}).items()}})


def _paper(record: Mapping[str, Any]) -> Paper:
    amount = record["amount"]
    return Paper(**{**record, "amount": None if amount is None else Decimal(amount)})


def _outlook_record(outlook: Outlook) -> dict[str, Any]:
    waits = {track: [list(each.roles), each.since, list(each.what)] for track, each in outlook.waits.items()}
    return {
        "waits": waits,
        "gates": dict(outlook.gates),
        "leads": list(outlook.leads),
        "segment": outlook.segment,
        "due": outlook.due,
        "clocks": {track: list(clock) for track, clock in outlook.clocks.items()},
    }


def _outlook(record: Mapping[str, Any]) -> Outlook:
    waits = {
        track: Waiting(tuple(roles), since, tuple(what)) for track, (roles, since, what) in record["waits"].items()
    }
    clocks = {track: (name, due_at) for track, (name, due_at) in record.get("clocks", {}).items()}
    return Outlook(waits, record["gates"], tuple(record["leads"]), record["segment"], record["due"], clocks)


def _plain(value: Place | Approval | Paper | Mark | Return) -> dict[str, Any]:
    return {name: _json(getattr(value, name)) for name in value.__slots__}


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return value.value if isinstance(value, Verdict) else value
