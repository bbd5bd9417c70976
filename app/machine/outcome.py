"""What the machine says is to be done: the new standing, labels to set and take off, issues to close, things to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.machine.criteria import Gap
from app.machine.gates import Missing
from app.machine.scene import Scene
from app.machine.standing import Approval, Mark, Standing
from app.methodology.parts import IssueKind
from app.methodology.process import Document


@dataclass(frozen=True, slots=True)
class Fallen:
    """Words of people that are void because a document says something else now: gate → yes, saying → mark."""

    yeses: tuple[tuple[str, Approval], ...] = ()
    marks: tuple[tuple[str, Mark], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.yeses or self.marks)

    def __add__(self, other: Fallen) -> Fallen:
        return Fallen(self.yeses + other.yeses, self.marks + other.marks)


@dataclass(frozen=True, slots=True)
class PutBack:
    """A move that skipped gates was undone; `by` None: nobody moved it, but what people had said yes to `fell`."""

    key: str
    on: IssueKind
    track: str
    wanted: str
    by: str | None
    missing: tuple[Missing, ...]
    is_kept: bool
    """The mover's own yes counts; the move follows when the others have said theirs."""
    fell: Fallen = Fallen()


@dataclass(frozen=True, slots=True)
class NotYours:
    """Somebody without the role set or took off what only the role may."""

    key: str
    on: IssueKind
    title: str
    role: str
    by: str | None
    own_estimate: bool = False


@dataclass(frozen=True, slots=True)
class TooEarly:
    """A yes or no by the right person, where there is nothing yet that it could be about."""

    key: str
    on: IssueKind
    title: str
    document: Document
    by: str | None


@dataclass(frozen=True, slots=True)
class NotAState:
    """A label in the scope of a track that no state has."""

    key: str
    on: IssueKind
    track: str
    by: str | None


@dataclass(frozen=True, slots=True)
class AskedReview:
    """The holders of a gate's role are asked, once for each version."""

    key: str
    on: IssueKind
    gate: str


@dataclass(frozen=True, slots=True)
class AskedFor:
    """Somebody is asked for something, once."""

    key: str
    on: IssueKind
    ask: str
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class HowDidItEnd:
    """An issue was closed before the engagement came to an end."""

    key: str
    on: IssueKind
    track: str
    by: str | None


@dataclass(frozen=True, slots=True)
class StageMismatch:
    """Salesforce is at a stage in which the state of the track is not usual."""

    key: str
    on: IssueKind
    track: str
    stage: str


@dataclass(frozen=True, slots=True)
class StageFollows:
    """Somebody had set another stage than Salesforce is at, or taken the label of this one off."""

    key: str
    on: IssueKind
    stage: str


@dataclass(frozen=True, slots=True)
class FieldsKept:
    """A field of the opportunity (by its API name) in which somebody else has written: it stays as it is."""

    key: str
    on: IssueKind
    field: str


@dataclass(frozen=True, slots=True)
class RefusedElsewhere:
    """Others said no in Salesforce: of what (a `Matter`), and the status that says so."""

    key: str
    on: IssueKind
    matter: str
    status: str


@dataclass(frozen=True, slots=True)
class CouldNotFollow:
    """The other track should have moved this one, and could not yet."""

    key: str
    on: IssueKind
    say: str
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class YesFell:
    """What people said is void because a document changed, and none of them is asked for it again just now."""

    key: str
    on: IssueKind
    fell: Fallen


@dataclass(frozen=True, slots=True)
class SentBack:
    """Somebody said no at a gate: whoever leads the state hears of it, with the reason."""

    key: str
    on: IssueKind
    gate: str


@dataclass(frozen=True, slots=True)
class MovedBack:
    """Somebody moved an issue back by command: whoever leads there hears of it."""

    key: str
    on: IssueKind
    track: str
    by: str
    words: str | None


@dataclass(frozen=True, slots=True)
class ClockNear:
    """Of the time that somebody has, little is left (`due_at`: seconds since 1970)."""

    key: str
    on: IssueKind
    clock: str
    due_at: float | None


@dataclass(frozen=True, slots=True)
class ClockOver:
    """The time is over; `then_at`: when the bot does something about it by itself."""

    key: str
    on: IssueKind
    clock: str
    due_at: float
    then_at: float | None = None


@dataclass(frozen=True, slots=True)
class RestOver:
    """The day has come until which a track was to be on hold."""

    key: str
    on: IssueKind
    track: str


@dataclass(frozen=True, slots=True)
class MeetingCalled:
    """A meeting was proposed, or moved; `called`: user names of those of the invited who are known to exist."""

    key: str
    on: IssueKind
    meeting: str
    called: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MeetingCancelled:
    """A meeting was called off."""

    key: str
    on: IssueKind
    meeting: str


OfSalesforce = StageMismatch | StageFollows | FieldsKept | RefusedElsewhere
"""What Salesforce has to do with."""
Notice = (
    PutBack
    | SentBack
    | MovedBack
    | NotYours
    | TooEarly
    | NotAState
    | AskedReview
    | AskedFor
    | HowDidItEnd
    | CouldNotFollow
    | OfSalesforce
    | YesFell
    | ClockNear
    | ClockOver
    | RestOver
    | MeetingCalled
    | MeetingCancelled
)


@dataclass(frozen=True, slots=True)
class LabelChange:
    """What is to differ on an issue."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.add or self.remove)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the engagement stands now, and what has to be done about it.

    `scene`: as it is now, with what was written by command. `open`: issue → whether it should be. `unlost`: labels that
    said why it was lost, and are void since. `answered_at`: the standing that answers to orders tell of.
    """

    standing: Standing
    scene: Scene
    reasons: tuple[str, ...] = ()
    labels: Mapping[IssueKind, LabelChange] = field(default_factory=dict)
    open: Mapping[IssueKind, bool] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    unlost: frozenset[str] = frozenset()
    answered_at: Standing = field(default_factory=Standing)
