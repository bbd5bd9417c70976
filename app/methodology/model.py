"""The methodology as typed, frozen values: what a file may say, and in which form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from app.methodology.meetings import Mail, MeetingRules
from app.methodology.parts import (
    Block,
    Colour,
    Condition,
    FieldPath,
    GroupPath,
    Host,
    IssueKind,
    Key,
    LabelName,
    Plain,
    Username,
    pattern,
    zone,
)
from app.methodology.process import (
    Ask,
    Automatic,
    CommandName,
    CommandRules,
    Criterion,
    Document,
    DocumentRules,
    Fiscal,
    Gate,
    Money,
    Spelling,
    Start,
    Switch,
    Track,
)
from app.methodology.salesforce import SalesforceRules
from app.methodology.spelling import Speller
from app.methodology.telling import Notification, SlackRules, occasions_of
from app.methodology.timing import Calendar, Clock, Digest, Sla
from app.submission.choices import Segment, Service


class NeededBy(StrEnum):
    """When an intake field has to be known at the latest, in this order."""

    DRAFT = "draft"
    READY = "ready"
    BOOKING = "booking"
    STAFFING = "staffing"
    STAFFED = "staffed"
    CLOSED_WON = "closed_won"
    SCHEDULED = "scheduled"


class AccessLevel(StrEnum):
    """GitLab's access levels in a project, lowest first."""

    GUEST = "guest"
    PLANNER = "planner"
    REPORTER = "reporter"
    DEVELOPER = "developer"
    MAINTAINER = "maintainer"
    OWNER = "owner"


class IssueText(Block):
    """What one kind of issue is called and which labels it always gets."""

    title: Plain
    labels: tuple[LabelName, ...]


class Issues(Block):
    """The kinds of issue that a submission brings about."""

    scoping: IssueText
    intake: IssueText
    intake_only: IssueText


class Classification(Block):
    """Labels that follow from what was submitted; `{segment}` in the second is the sales segment."""

    pubsec_us: LabelName
    segment: Annotated[str, StringConstraints(pattern=r"^[^{},]*\{segment\}[^{},]*$")]


class Confidential(Block):
    """When both issues are made confidential."""

    pubsec_us: bool


class Holders(Block):
    """Single people, GitLab groups, or everybody from an access level on."""

    users: tuple[Username, ...] = ()
    groups: tuple[GroupPath, ...] = ()
    access_level: AccessLevel | None = None
    """Everybody who has at least this in the project."""


class Role(Holders):
    """Who holds a role; for the segments that are named, these people instead."""

    title: Plain
    segments: Mapping[Segment, Holders] = Field(default_factory=dict)
    """Who holds it instead, for engagements of a segment."""

    def within(self, segment: str | None) -> Holders:
        """Who holds it in a segment (None: not known)."""
        return next((held for known, held in self.segments.items() if known.value == segment), self)


class Pages(Block):
    """Which roles may do more on the bot's pages than read them."""

    replay: tuple[Key, ...] = ()
    """Roles that may run a delivery again."""


class RoutingRules(Block):
    """Which EM gets a submission."""

    default_em: Username | None
    """The EM where nothing else names one."""
    triage_role: Key
    """Who is asked where no EM is found."""
    pubsec_em: Username | None
    """The EM for US public sector."""
    account_team: Mapping[Username, Username]
    """User of the account team → EM."""
    segments: Mapping[Segment, Username | None]
    """Segment → EM."""
    territories: Mapping[Annotated[str, StringConstraints(min_length=1, max_length=100)], Segment]
    """Sales territory → segment; `*` stands for anything, the most exact wins."""


class ServiceRules(Block):
    """What choosing a service means: its label and the question sets it brings, each with its condition."""

    title: Plain
    category: Plain
    label: LabelName | None
    question_sets: Mapping[Key, Condition]
    """The sets it brings, each with its condition; `{}` is always."""


class Stage(Block):
    """One of the four stages of the pre-sales methodology, as the checklist shows it."""

    title: Plain
    dri: Key
    """The role that leads it."""
    supported_by: Plain
    steps: Annotated[Mapping[Key, Plain], Field(min_length=1, max_length=30)]
    """The boxes of the checklist."""
    note: Plain | None = None


class IntakeField(Block):
    """One row of the intake table."""

    title: Plain
    needed_by: NeededBy
    """When it has to be known at the latest."""
    owner: Key
    """The role that is asked for it."""
    answered_by: Annotated[tuple[FieldPath, ...], Field(alias="from")] = ()
    """Fields of the submission that fill it."""
    written_by: CommandName | None = None
    """The command that fills it: `schedule`, or `staff` with a word of its own; `meetings` says it of theirs."""
    only: tuple[Key, ...] = ()
    """Roles that alone may fill it by command; empty: whoever may answer."""
    is_list: Annotated[bool, Field(alias="list")] = False
    """What the command brings is added to what is there, and does not replace it."""


class QuestionSet(Block):
    """A group of questions; `answers` is the object of the submission whose names are question keys."""

    title: Plain
    always: bool = False
    """Asked whatever service was chosen."""
    answers: FieldPath | None = None


class Question(Block):
    """One question, asked once however many chosen sets name it."""

    sets: Annotated[tuple[Key, ...], Field(min_length=1)]
    text: Plain
    why: Plain
    """What the answer is needed for."""
    example: Plain
    required: bool = False
    """Whether it holds up the way out of discovery."""
    answered_by: Annotated[tuple[FieldPath, ...], Field(alias="from")] = ()
    """Fields of the submission that answer it."""
    intake: Key | None = None
    """The intake field that gets the same answer."""
    when: Condition = Field(default_factory=dict)
    """Asked only when the submission says so."""


class Label(Block):
    """A label with its colour and meaning; an optional one is for teams that want it."""

    colour: Colour
    description: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    on: Annotated[tuple[IssueKind, ...], Field(min_length=1)]
    """The issues that it may stand on."""
    optional: bool = False
    """Made by `psplan setup --all-labels` only."""


class LabelFamily(Label):
    """Labels made when first needed; the value in place of `*` must fit the pattern."""

    pattern: Annotated[str, AfterValidator(pattern)]


class Methodology(Block):
    """Everything the file says."""

    time_zone: Annotated[str, AfterValidator(zone)]
    issues: Issues
    classification: Classification
    confidential: Confidential
    calendars: Annotated[Mapping[Key, Calendar], Field(min_length=1)]
    sla: Sla
    clocks: Mapping[Key, Clock]
    digest: Digest
    link_hosts: tuple[Host, ...]
    roles: Mapping[Key, Role]
    pages: Pages
    routing: RoutingRules
    services: Mapping[Service, ServiceRules]
    stages: Mapping[Key, Stage]
    switches: Mapping[Key, Switch]
    money: Money
    fiscal: Fiscal
    commands: CommandRules
    documents: Mapping[Document, DocumentRules]
    criteria: Mapping[Key, Criterion]
    gates: Mapping[Key, Gate]
    asks: Mapping[Key, Ask]
    tracks: Annotated[Mapping[Key, Track], Field(min_length=1)]
    automatic: Mapping[Key, Automatic]
    starts: Mapping[Key, Start]
    spellings: Mapping[LabelName, Spelling]
    readiness: Mapping[Key, Criterion]
    words: Mapping[FieldPath, Mapping[str, Plain]]
    question_sets: Mapping[Key, QuestionSet]
    questions: Mapping[Key, Question]
    intake_fields: Mapping[Key, IntakeField]
    meetings: Mapping[Key, MeetingRules] = Field(default_factory=dict)
    mail: Mail = Field(default_factory=Mail)
    labels: Mapping[LabelName, Label]
    label_families: Mapping[LabelName, LabelFamily]
    salesforce: SalesforceRules = Field(default_factory=SalesforceRules)
    slack: SlackRules
    notifications: Mapping[Key, Notification]

    @cached_property
    def sources_of_questions(self) -> Mapping[str, tuple[str, ...]]:
        """Question key → the dotted names of all submission fields that answer it."""
        found = {}
        for key, question in self.questions.items():
            objects = (self.question_sets[name].answers for name in question.sets)
            named_alike = (key if name is None else f"{name}.{key}" for name in objects)
            found[key] = tuple(dict.fromkeys([*question.answered_by, *named_alike]))
        return found

    @cached_property
    def questions_of_sets(self) -> Mapping[str, Mapping[str, Question]]:
        """Question set → its questions by key, in the order of the file."""
        found: dict[str, dict[str, Question]] = {name: {} for name in self.question_sets}
        for key, question in self.questions.items():
            for name in question.sets:
                found[name][key] = question
        return found

    @cached_property
    def notifications_of(self) -> Mapping[str, tuple[str, ...]]:
        """Name of an occasion → keys of the notifications that it sets off."""
        return occasions_of(self.notifications, self.clocks)

    @cached_property
    def spellers(self) -> Mapping[IssueKind, Speller]:
        """What reads the labels of each kind of issue; it knows those that the process sets and takes off there."""
        spellings = {label: spelling.means for label, spelling in self.spellings.items()}
        families = {name: family.pattern for name, family in self.label_families.items()}
        return {
            kind: Speller(
                tuple(dict.fromkeys(self._own_labels(kind))),
                spellings,
                exact=self._deciding_labels,
                families=families,
            )
            for kind in IssueKind
        }

    @property
    def _deciding_labels(self) -> frozenset[str]:
        """What is said at a gate, and the ends."""
        said = (name for gate in self.gates.values() for name in gate.labels.all if name is not None)
        ends = (s.label for track in self.tracks.values() for s in track.states.values() if s.is_end and s.label)
        return frozenset([*said, *ends])

    @cached_property
    def deciding_roles(self) -> tuple[str, ...]:
        """The roles whose holders have to be known before a label can be judged."""
        trusted = (criterion.set_by for criterion in self.criteria.values() if criterion.set_by is not None)
        reopen = (track.reopened_by for track in self.tracks.values())
        gates = (gate.role for gate in self.gates.values())
        return tuple(dict.fromkeys([*gates, *reopen, *trusted, self.routing.triage_role]))

    @cached_property
    def trusted_labels(self) -> Mapping[str, frozenset[str]]:
        """Labels that count only when the bot or certain people set them → the roles of those people.

        The segment is one: it says whose yes counts, so nobody may choose it who could not choose the EM.
        """
        found = {
            self.classification.segment.replace("{segment}", each.value): frozenset({self.routing.triage_role})
            for each in Segment
        }
        for criterion in self.criteria.values():
            for label in criterion.labels if criterion.set_by is not None else ():
                found[label] = found.get(label, frozenset()) | {criterion.set_by or ""}
        return found

    @cached_property
    def verbs_of_gates(self) -> Mapping[str, str]:
        """Gate that people judge → what stands before `approve` and `reject`: `ta`; nothing for the one decision whose
        yes is a state of its track."""
        return {
            name: "" if gate.labels.passed in self.tracks[gate.track].by_label else name.replace("_", "-")
            for name, gate in self.gates.items()
            if gate.document is not None
        }

    def judging(self, gate: str, verdict: str) -> str:
        """The command that says `approve`, `reject` or `request` at a gate, without the prefix."""
        return f"{self.verbs_of_gates[gate]} {verdict}".strip()

    @cached_property
    def commands_of_fields(self) -> Mapping[str, str]:
        """Intake field → the command that fills it, where one does."""
        found = {key: field.written_by for key, field in self.intake_fields.items() if field.written_by is not None}
        held = {rules.field: f"meeting {rules.words[0]}" for rules in self.meetings.values() if rules.field is not None}
        return {**found, **held}

    @cached_property
    def staff_fields(self) -> Mapping[str, str]:
        """Word of `staff` → the intake field that it fills."""
        commands = ((key, *(field.written_by or "").split(" ")) for key, field in self.intake_fields.items())
        return {words[1]: key for key, *words in commands if len(words) == 2 and words[0] == "staff"}

    def _own_labels(self, on: IssueKind) -> Iterator[str]:
        for track in self.tracks.values():
            if track.on is on:
                yield from track.by_label
        for gate in self.gates.values():
            if self.tracks[gate.track].on is on:
                yield from (name for name in gate.labels.all if name is not None)

    def calendar_of(self, segment: str | None) -> Calendar:
        """By which an engagement of a segment goes (None: not known): the first of the file where none names it."""
        held = (each for each in self.calendars.values() if segment in {s.value for s in each.segments})
        return next(held, next(iter(self.calendars.values())))

    def in_words(self, path: str, value: str) -> str:
        """How a value of the submission reads in an issue; the value itself where the file has no words for it."""
        return self.words.get(path, {}).get(value, value)
