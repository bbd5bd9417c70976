"""The process as the file describes it: tracks with their states, gates, criteria, switches, spellings of labels.

A track lives in one label scope of one kind of issue (`proposal::…` on the scoping issue); the state without a label is
where it begins. A gate is somebody's yes to one version of a document; a criterion is something that should be known.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from app.methodology.parts import Block, IssueKind, Key, LabelName, Plain
from app.quick_action_names import KNOWN_NAMES

StepRef = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
"""`stage.step`, or `readiness.item`: a box that people tick."""
StateRef = StepRef
"""`track.state`."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Emoji = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_+-]{1,60}$")]
CommandName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]*(?: [a-z][a-z-]*)?$", max_length=60)]


def _no_quick_action(prefix: str) -> str:
    if prefix.removeprefix("/") in KNOWN_NAMES:
        raise PydanticCustomError("methodology", "is a quick action of GitLab, which would take the line away")
    return prefix


class Fact(StrEnum):
    """What the bot itself can see or has on record."""

    ASSIGNEE = "assignee"
    SEGMENT = "segment"
    QUESTIONS = "questions"
    INTAKE_FIELDS = "intake_fields"
    READINESS = "readiness"
    ESTIMATE = "estimate"
    SOW = "sow"
    COGS = "cogs"
    LEGAL_CASE = "legal_case"


class Document(StrEnum):
    """What is put on record and a yes may be about; the yes falls when a new version comes."""

    ESTIMATE = "estimate"
    SOW = "sow"
    COGS = "cogs"
    LEGAL_CASE = "legal_case"


class DocumentRules(Block):
    """How a document is called, and what a yes to it is bound to: when any of these changes, the yes falls."""

    title: Plain
    bound_to: Annotated[tuple[Document, ...], Field(min_length=1)]


class Saying(StrEnum):
    """What people say to be so by a command."""

    CUSTOMER_AGREES = "customer_agrees"
    ACCOUNT_TEAM_AGREES = "account_team_agrees"
    FINANCE_APPROVED = "finance_approved"
    LEGAL_STAMPED = "legal_stamped"
    CUSTOMER_SIGNED = "customer_signed"
    GITLAB_SIGNED = "gitlab_signed"


class Weight(StrEnum):
    """What a gate or criterion that is not met does to a move."""

    BLOCK = "block"
    WARN = "warn"


class Kind(StrEnum):
    """What a state means for its engagement."""

    STEP = "step"
    HOLD = "hold"
    WON = "won"
    LOST = "lost"
    CANCELLED = "cancelled"


ENDS: Final = frozenset({Kind.WON, Kind.LOST, Kind.CANCELLED})
"""Where an engagement has come to an end."""


class Criterion(Block):
    """Something that should be so, and who can bring it about; it is met when any of the named signs is there."""

    title: Plain
    owner: Key
    """The role that can bring it about."""
    fact: Fact | None = None
    """What the bot sees, or has on record."""
    ticked: tuple[StepRef, ...] = ()
    """Boxes, by stage and step, or by `readiness` and item."""
    field: Key | None = None
    """An intake field that is filled."""
    labels: tuple[LabelName, ...] = ()
    """A label that is there."""
    states: tuple[StateRef, ...] = ()
    """A state, by track and name, that was reached."""
    said: tuple[Saying, ...] = ()
    """What people said by command; all of these have to be there, about the documents as they are now."""
    set_by: Key | None = None
    """The labels count only when the bot, or a holder of this role, set them."""

    @cached_property
    def document(self) -> Document | None:
        """The document whose being on record meets it."""
        names = {each.value for each in Document}
        return Document(self.fact.value) if self.fact is not None and self.fact.value in names else None

    @property
    def has_sign(self) -> bool:
        """Whether anything could ever meet it."""
        return bool(self.fact or self.ticked or self.field or self.labels or self.states or self.said)


class GateLabels(Block):
    """How a gate shows on the issue: asked for, passed, sent back."""

    asked: LabelName | None = None
    passed: LabelName | None = None
    failed: LabelName | None = None

    @property
    def all(self) -> tuple[str | None, ...]:
        """All three."""
        return (self.asked, self.passed, self.failed)


class Gate(Block):
    """Somebody's yes to one version of a document, needed before a state and all that come after it."""

    title: Plain
    role: Key
    """Whose yes it is."""
    track: Key
    before: Key
    """The state that needs it, and so do all that come after."""
    weight: Weight
    """`block`: the move is put back; `warn`: it stands, and what is missing is listed."""
    document: Document | None = None
    """What is judged; none: it is passed by its proof."""
    above: Decimal | None = None
    """Only for an estimate of more than this, strictly, in the currency of the methodology."""
    not_for_sku: bool = False
    """Not needed for catalogue orders."""
    labels: GateLabels = GateLabels()
    ask_in: tuple[Key, ...] = ()
    """States in which the role is asked."""
    request: Plain | None = None
    """What the role is asked to do."""
    sends_back: Key | None = None
    """Where a no takes the track back to, if it is further on."""
    proof: Key | None = None
    """A criterion that passes the gate by itself."""
    unless: Key | None = None
    """A criterion in whose presence the gate is not needed."""


class Pull(Block):
    """What entering a state does on a track: its own or the other one."""

    track: Key
    to: Key
    only_from: Annotated[tuple[Key, ...], Field(alias="from")] = ()
    """Only from these states; empty: from any that is not an end."""
    say: Plain | None = None
    """What is told on that track's issue where it cannot be done."""


class Ask(Block):
    """Somebody is asked for something, once, by mention."""

    on: IssueKind
    roles: Annotated[tuple[Key, ...], Field(min_length=1)]
    request: Plain
    """What they are asked to do."""
    missing: tuple[Key, ...] = ()
    """Criteria of which those that are not met are listed."""


class Matter(StrEnum):
    """What people of other departments decide in Salesforce."""

    FINANCE = "finance"
    LEGAL_CASE = "legal_case"


class OnEnter(Block):
    """What begins when a state is entered."""

    pull: tuple[Pull, ...] = ()
    ask: tuple[Key, ...] = ()
    """Who is asked for something."""
    request: tuple[Matter, ...] = ()
    """What is asked for in Salesforce, where the service is connected to it: the block `salesforce` says how."""
    close: bool = False
    """The issue is closed."""
    quarter: bool = False
    """The label of the quarter of the close is set."""


class State(Block):
    """A state of a track: how it is called, where it stands in the methodology, what it waits for."""

    title: Plain
    label: LabelName | None
    """The label that says it; one state of each track has none, and issues begin there."""
    stage: Key
    """The stage of the methodology that it belongs to."""
    step: Plain
    """What is done in it."""
    dri: Key
    """The role that leads it."""
    kind: Kind = Kind.STEP
    """What it means: a step on the way, a rest, or an end."""
    leave: tuple[Key, ...] = ()
    """Criteria that should be met before the next state."""
    back: tuple[Key, ...] = ()
    """Where it usually goes back to."""
    sfdc: tuple[str, ...] = ()
    """Salesforce stages in which it is usual."""
    on_enter: OnEnter = OnEnter()

    @property
    def is_end(self) -> bool:
        """Whether the engagement has come to an end here."""
        return self.kind in ENDS


class Automatic(Block):
    """A move that the bot makes by itself when something is so."""

    track: Key
    only_from: Annotated[tuple[Key, ...], Field(alias="from", min_length=1)]
    """States that it is made from; left out: every state of the track that is no end."""
    to: Key
    """The state that it moves to."""
    when: Annotated[tuple[Key, ...], Field(min_length=1)]
    """Criteria that must all be met."""
    labels: tuple[LabelName, ...] = ()
    """Set with it, unless somebody has said why already."""
    why: Plain
    """What is told as the reason."""


class Start(Block):
    """Something that begins once, when a criterion is met for the first time."""

    when: Annotated[tuple[Key, ...], Field(min_length=1)]
    pull: tuple[Pull, ...] = ()
    ask: tuple[Key, ...] = ()
    """Who is asked for something."""
    why: Plain
    """What is told as the reason."""


class Spelling(Block):
    """A label that should be written otherwise; null: it stands for no label at all."""

    means: LabelName | None
    why: Plain


class Track(Block):
    """One line of states in one label scope."""

    title: Plain
    on: IssueKind
    """The issue that carries it."""
    scope: Annotated[str, StringConstraints(pattern=r"^[^,:]+(?:::[^,:]+)*$", max_length=100)]
    """What stands before `::` in its labels."""
    states: Annotated[Mapping[Key, State], Field(min_length=2)]
    reopened_by: Key
    """The role that may take an engagement out of an end."""
    closing_asks: Plain | None = None
    """What is asked when a person closes the issue before an end; null: nothing."""

    @cached_property
    def start(self) -> str:
        """The state in which an issue begins: the first."""
        return next(iter(self.states))

    @cached_property
    def path(self) -> tuple[str, ...]:
        """The states on the way, in order: no side states and no ends but the good one."""
        return tuple(name for name, state in self.states.items() if state.kind in {Kind.STEP, Kind.WON})

    @cached_property
    def by_label(self) -> Mapping[str, str]:
        """Label → state."""
        return {state.label: name for name, state in self.states.items() if state.label is not None}

    def of_kind(self, kind: Kind) -> str | None:
        """The first state of a kind."""
        return next((name for name, state in self.states.items() if state.kind is kind), None)


class Fiscal(Block):
    """The financial year: its first month, and whether it carries the year in which it ends."""

    first_month: Annotated[int, Field(ge=1, le=12)]
    named_by_end: bool
    label: Annotated[str, StringConstraints(pattern=r"^[^{},]*\{quarter\}[^{},]*$")]

    def quarter(self, day: date) -> str:
        """The quarter that a day lies in: Q3 of the year that is called 27 is `Q327`."""
        year, number = self.place(day)
        return f"Q{number}{year % 100:02d}"

    def place(self, day: date) -> tuple[int, int]:
        """The year, as it is called, and the number of the quarter that a day lies in: what quarters are sorted by."""
        months = (day.month - self.first_month) % 12
        begun = day.year if day.month >= self.first_month else day.year - 1
        year = begun + 1 if self.named_by_end and self.first_month > 1 else begun
        return year, months // 3 + 1


class Money(Block):
    """The currency that thresholds are in, and what one unit of each other currency is worth in it."""

    currency: Currency
    rates: Mapping[Currency, Annotated[Decimal, Field(gt=0)]]


class Option(Block):
    """One reading of a disputed point; `changes` is laid over the file when it is chosen."""

    about: Plain
    changes: Mapping[str, Any] = Field(default_factory=dict)


class Switch(Block):
    """A point on which the sources differ: the reading in force, and all there are."""

    about: Plain
    chosen: Annotated[str, Field(alias="is")]
    """The option in force."""
    options: Annotated[Mapping[Key, Option], Field(min_length=2)]


class Reactions(Block):
    """The emoji that answer a comment with commands."""

    seen: Emoji
    done: Emoji
    refused: Emoji


class CommandRules(Block):
    """How commands in comments are written and answered, and who may use them in place of those the help names."""

    prefix: Annotated[str, StringConstraints(pattern=r"^/[a-z][a-z0-9_-]{0,30}$"), AfterValidator(_no_quick_action)]
    reactions: Reactions
    who: Mapping[CommandName, tuple[Key, ...]] = Field(default_factory=dict)
    """Command, such as `won` or `ta request` → roles; an empty list is everybody."""
