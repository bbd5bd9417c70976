"""What decide may see, read fresh just before: the engagement, the issues it asks for, who exists, what happened.

A handler says what it needs (`Needs`); nothing else is read, so that the common case costs no call at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from app.directory import Directory
from app.engagement import Engagement
from app.errors import Absent, Retry
from app.methodology.model import Holders
from app.ports import Assignment, Issue, LabelEvent, Note, Record, StateEvent
from app.uploads import MOST_BYTES

MOST_IN_PIPELINE: Final = 500


@dataclass(frozen=True, slots=True)
class Needs:
    """What a handler has to see before it can decide."""

    issues: frozenset[int] = frozenset()
    people: frozenset[str] = frozenset()
    labels_since: Mapping[int, int] = field(default_factory=dict)
    """Issue → the last change of a label that is known already."""
    states_since: Mapping[int, int] = field(default_factory=dict)
    """Issue → the last closing or opening that is known already."""
    assignments: frozenset[int] = frozenset()
    """Issues of which it has to be known when somebody was assigned."""
    notes: frozenset[int] = frozenset()
    """Issues of which the latest comments have to be known."""
    roles: Mapping[str, Holders] = field(default_factory=dict)
    """Role, or `role@segment`, whose holders have to be known."""
    note: int | None = None
    """A comment of which it has to be known what was heard of it before."""
    happenings: int = 0
    """So many of the last things that came in for this engagement."""
    pipeline: bool = False
    """All engagements."""
    told: str | None = None
    """An engagement of which it has to be known how it stands, and what was said of it in the chat."""
    presser: str | None = None
    """A user of the chat of whom it has to be known who that is in GitLab."""
    opportunity: str | None = None
    """An opportunity (`opportunity_key`) of which it has to be known whose it is."""
    is_read: bool = False
    """Whether that opportunity has to be read in Salesforce, where the service is connected to it."""
    submission: str | None = None
    """A submission of which it has to be known whether it joined an engagement, or may join that of its opportunity."""
    case: str | None = None
    """An engagement whose legal approval case has to be read there."""
    files: frozenset[str] = frozenset()
    """Paths of uploads that are looked into."""
    read_after: float | None = None
    """What has been read there since this moment (by our clock) is fresh enough; None: it has to be read now."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Commands of one comment that were met before, as digests: carried out, or written into it by somebody else."""

    carried_out: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    """Those of `carried_out` that came to nothing."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that came in (seconds since 1970), what became of it, and what was decided; no words of a customer."""

    at: float
    what: str
    state: str
    reason: str | None
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatPost:
    """A message of the chat: in which channel (as the methodology names it), about what, and what it says (a digest).

    `place`, `ts`: the vendor's own ids; without them nobody knows which message it is.
    """

    channel: str
    topic: str
    place: str | None
    ts: str | None
    digest: str
    is_open: bool


class SalesforceRecords(Protocol):
    """What is read in Salesforce."""

    def opportunity(self, key: str, *, after: float | None = None) -> Record | None:
        """The fields that the methodology reads, of this opportunity; None where it is not there, or may not be seen.
        Raises Retry or Permanent.

        `after`: it is not asked for again where it has been read since that moment.
        """

    def legal_case(self, engagement: str, *, after: float | None = None) -> Record | None:
        """The legal approval case of an engagement; `after` as above. Raises Retry or Permanent."""


class WhoIsWho(Protocol):
    """Users of the chat and of GitLab."""

    def gitlab_user(self, user: str) -> str | None:
        """The user name in GitLab of somebody in the chat; None: nobody knows. May raise Retry."""


class Issues(Protocol):
    """What is read of issues: GitLab itself, or one look at it that several decisions share."""

    def read_issue(self, iid: int) -> Issue:
        """The issue as it is now."""

    def label_events(self, iid: int, *, after: int = 0) -> Sequence[LabelEvent]:
        """Its label history after an event."""

    def state_events(self, iid: int, *, after: int = 0) -> Sequence[StateEvent]:
        """Its closings and openings after an event."""

    def assignments(self, iid: int) -> Sequence[Assignment]:
        """When somebody was assigned to it."""

    def latest_notes(self, iid: int) -> Sequence[Note]:
        """Its newest comments."""

    def download(self, path: str, *, most_bytes: int) -> bytes | None:
        """An uploaded file; None where it cannot be had."""


class Memory(Protocol):
    """What only the store knows."""

    def heard(self, note_id: int) -> Heard:
        """What was heard of a comment."""

    def happenings(self, lane: str, most: int) -> tuple[Happening, ...]:
        """The last things that came in for an engagement, newest first."""

    def engagements(self, most: int) -> tuple[Engagement, ...]:
        """All engagements, the last changed first."""

    def knows(self, ident: str) -> bool:
        """Whether there is an engagement of this id."""

    def owner_of(self, iid: int) -> str | None:
        """The engagement that an issue belongs to."""

    def engagement(self, ident: str) -> Engagement | None:
        """The engagement of this id."""

    def owner_of_opportunity(self, key: str) -> str | None:
        """The engagement that an opportunity of Salesforce belongs to."""

    def joined_to(self, submission: str) -> str | None:
        """The engagement of another id that a submission went to."""

    def chat_posts(self, ident: str) -> tuple[ChatPost, ...]:
        """What was said of an engagement in the chat."""

    def is_whole(self) -> bool:
        """Whether every engagement was known that GitLab had when the database was last held against it."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The world as it was a moment ago.

    `people`: user name → whether GitLab knows such a user. `holders`: role → user names in lower case. `unsure_roles`:
    those that somebody else may hold too; unknown is not no, so what depends on it is tried again while it is worth it
    (`is_patient`).
    """

    lane: str
    engagement: Engagement | None
    bot_id: int
    bot_name: str
    project: str
    issues: Mapping[int, Issue] = field(default_factory=dict)
    people: Mapping[str, bool] = field(default_factory=dict)
    labels: Mapping[int, tuple[LabelEvent, ...]] = field(default_factory=dict)
    states: Mapping[int, tuple[StateEvent, ...]] = field(default_factory=dict)
    assignments: Mapping[int, tuple[Assignment, ...]] = field(default_factory=dict)
    notes: Mapping[int, tuple[Note, ...]] = field(default_factory=dict)
    holders: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unsure_roles: frozenset[str] = frozenset()
    is_patient: bool = True
    heard: Heard = Heard()
    happenings: tuple[Happening, ...] = ()
    pipeline: tuple[Engagement, ...] = ()
    told: Engagement | None = None
    """Not that of this lane: what is told of an engagement has a lane of its own."""
    chat: tuple[ChatPost, ...] = ()
    presser: str | None = None
    owner: str | None = None
    """The engagement that the opportunity belongs to that was asked for."""
    record: Record | None = None
    """That opportunity as it is now; None where nobody can look."""
    joined_to: str | None = None
    """The engagement that the submission joined which was asked for."""
    owning: Engagement | None = None
    """The engagement `owner`, where it was asked for whether a submission may join it."""
    case: Record | None = None
    """The legal approval case that was asked for; None where there is none, or nobody can look."""
    can_read: bool = False
    """Whether the service is connected to Salesforce."""
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    """What was uploaded; None where it cannot be had, or is too large."""


def take_snapshot(
    needs: Needs,
    engagement: Engagement | None,
    *,
    lane: str,
    gitlab: Issues,
    directory: Directory,
    memory: Memory,
    project: str,
    is_patient: bool,
    who: WhoIsWho | None = None,
    salesforce: SalesforceRecords | None = None,
) -> Snapshot:
    """Read what is needed; an issue that is not there is left out, or, `is_patient`, asked for again later.

    Raises Retry or Permanent as the ports do.
    """
    issues: dict[int, Issue] = {}
    for iid in sorted(needs.issues):
        try:
            issues[iid] = gitlab.read_issue(iid)
        except Absent as fault:
            if is_patient:
                raise Retry(fault.reason) from fault
    owner = None if needs.opportunity is None else memory.owner_of_opportunity(needs.opportunity)
    held = {name: directory.holders(role) for name, role in needs.roles.items()}
    return Snapshot(
        lane=lane,
        engagement=engagement,
        bot_id=directory.bot().id,
        bot_name=directory.bot().username,
        project=project,
        issues=issues,
        people={name: directory.find(name) is not None for name in sorted(needs.people)},
        labels={i: tuple(gitlab.label_events(i, after=a)) for i, a in needs.labels_since.items() if i in issues},
        states={i: tuple(gitlab.state_events(i, after=a)) for i, a in needs.states_since.items() if i in issues},
        assignments={i: tuple(gitlab.assignments(i)) for i in sorted(needs.assignments) if i in issues},
        notes={i: tuple(gitlab.latest_notes(i)) for i in sorted(needs.notes) if i in issues},
        holders={name: each.names for name, each in held.items()},
        unsure_roles=frozenset(name for name, each in held.items() if not each.is_sure),
        is_patient=is_patient,
        heard=Heard() if needs.note is None else memory.heard(needs.note),
        happenings=memory.happenings(lane, needs.happenings) if needs.happenings else (),
        pipeline=memory.engagements(MOST_IN_PIPELINE) if needs.pipeline else (),
        told=None if needs.told is None else memory.engagement(needs.told),
        chat=() if needs.told is None else memory.chat_posts(needs.told),
        presser=None if needs.presser is None or who is None else who.gitlab_user(needs.presser),
        owner=owner,
        joined_to=None if needs.submission is None else memory.joined_to(needs.submission),
        owning=None if needs.submission is None or owner is None else memory.engagement(owner),
        record=_record(needs, salesforce),
        case=_case(needs, salesforce),
        can_read=salesforce is not None,
        files={path: gitlab.download(path, most_bytes=MOST_BYTES) for path in sorted(needs.files)},
    )


def _record(needs: Needs, salesforce: SalesforceRecords | None) -> Record | None:
    if salesforce is None or needs.opportunity is None or not needs.is_read:
        return None
    return salesforce.opportunity(needs.opportunity, after=needs.read_after)


def _case(needs: Needs, salesforce: SalesforceRecords | None) -> Record | None:
    if salesforce is None or needs.case is None:
        return None
    return salesforce.legal_case(needs.case, after=needs.read_after)
