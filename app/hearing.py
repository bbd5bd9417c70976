"""A command as it is registered, and while it is carried out: who said it, what is known, what it brings about.

A command works on a `Course` (where the engagement stands) and a `Ledger` (how the issues will read). It either does
all that it says or raises UserError: then both are as they were before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import Enum
from zoneinfo import ZoneInfo

from app.blocks.words import together
from app.commands import Words
from app.engagement import Engagement
from app.errors import UserError
from app.issue_text import Playbook
from app.machine.course import Course
from app.machine.standing import Standing
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.methodology.process import Kind, State, Track
from app.notices import Speech
from app.ports import Issue
from app.snapshot import Snapshot
from app.status_words import role_in_words
from app.text import Safe, code_span, own


class When(Enum):
    """In which states a command can be used; the value is how the help says it."""

    ALWAYS = "always"
    NOT_ENDED = "until it has ended"
    UNDER_WAY = "while it is neither on hold nor ended"
    PAUSED = "while it is on hold, or has ended"


class About(Enum):
    """Which of the two tracks a command is about."""

    HERE = "the issue it stands on"
    SCOPING = "the scoping"
    INTAKE = "the scheduling"
    PAUSED = "whichever is on hold or has ended"


def sees_none(_: str) -> bool:
    """Most commands look into no file."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command as it is registered: help, permissions and documents all read this.

    `name` is one or two words; `usage` what stands behind them; `who` roles, none meaning everybody. `is_free`: it can
    be used on an issue that is no engagement; `is_only_free`: only there. `sees_…`: what has to be
    read for it.
    """

    name: str
    usage: str
    says: str
    who: tuple[str, ...]
    when: When
    about: About
    examples: tuple[str, ...]
    carry_out: Callable[[Hearing], None]
    is_free: bool = False
    is_only_free: bool = False
    sees_happenings: bool = False
    sees_pipeline: bool = False
    sees_assignments: bool = False
    sees_files: Callable[[str], bool] = sees_none
    """Of what stands behind it: whether uploaded files have to be looked into for that."""

    @property
    def form(self) -> str:
        """The right form, without the prefix."""
        return f"{self.name} {self.usage}".strip()

    def roles(self, methodology: Methodology) -> tuple[str, ...]:
        """Who may use it by this methodology; a role that it does not know is nobody's."""
        return methodology.commands.who.get(self.name, self.who)


@dataclass(frozen=True, slots=True)
class Moved:
    """A move by command: the track, the state it was to, and the criteria of the states that it left behind."""

    track: str
    to: str
    behind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that is to hang on an issue, below some words. `document`: a later one of that name takes its place.

    `edition`: what it says, in short; the same again is attached once.
    """

    document: str
    edition: str
    file_name: str
    content_type: str
    content: bytes = field(repr=False)
    words: Safe
    has_pdf: bool = False
    is_internal: bool = False


@dataclass(slots=True)
class Ledger:
    """How the issues will read once what was ordered is written, and what has to be written for that."""

    issues: Mapping[IssueKind, Issue]
    answers: Mapping[IssueKind, Mapping[str, tuple[Safe, str]]] = field(default_factory=dict)
    """Key → the answer that is to stand there, and what stood there before."""
    add: Mapping[IssueKind, tuple[str, ...]] = field(default_factory=dict)
    remove: Mapping[IssueKind, tuple[str, ...]] = field(default_factory=dict)
    assignee: Mapping[IssueKind, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()


@dataclass(slots=True, kw_only=True)
class Occasion:
    """Where and when something was said (`at`: seconds since 1970, by GitLab's clock), by whom, and what was known.

    `note_id`: of the comment; the numbers grow, and tell two comments of one second apart.
    """

    by: str
    at: float
    note_id: int
    on: IssueKind
    snapshot: Snapshot
    playbook: Playbook
    engagement: Engagement | None = None
    is_internal: bool = False
    """Not everybody who sees the issue saw it said."""
    uploads: tuple[str, ...] = ()
    """Paths of the files that the comment links to."""

    @property
    def place(self) -> tuple[int, int]:
        """Its place among all that was said; a webhook tells whole seconds only."""
        return int(self.at), self.note_id

    @property
    def methodology(self) -> Methodology:
        """The process in force."""
        return self.playbook.methodology

    def titles(self, roles: Iterable[str]) -> str:
        """What roles are called."""
        known = self.methodology.roles
        return ", ".join(known[role].title if role in known else role for role in roles)


@dataclass(slots=True, kw_only=True)
class Hearing(Occasion):
    """One command of it; `said` is what is to be answered."""

    command: Command
    words: Words
    is_addressed: bool = False
    """It began with a mention, as ordinary talk does too."""
    placed: Course | None = None
    ledger: Ledger = field(default_factory=lambda: Ledger({}))
    people: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Role → the users that the methodology names, the account team of this engagement among them."""
    look: Callable[[], None] = lambda: None
    """Bring what the course sees of the issues up to date with the ledger."""
    said: list[Safe] = field(default_factory=list)
    moved: Moved | None = None
    """A move that it brought about: where the issue stands is told when all commands of the comment are done."""

    # -- what is known

    @property
    def course(self) -> Course:
        """Where the engagement stands. Raises UserError where the issue is none."""
        if self.placed is None:
            raise UserError(self.not_yet_adopted())
        return self.placed

    def reason(self) -> str | None:
        """The words that are left, as a reason that is kept and shown; of an internal comment they are not."""
        words = self.words.rest()
        return "(said internally)" if words is not None and self.is_internal else words

    def demand_engagement(self) -> None:
        """Raises UserError where the issue is none."""
        if self.placed is None:
            raise UserError(self.not_yet_adopted())

    @property
    def standing(self) -> Standing:
        """The same as values."""
        return self.course.standing

    @property
    def today(self) -> date:
        """The day it was said, where the team is."""
        return datetime.fromtimestamp(self.at, ZoneInfo(self.methodology.time_zone)).date()

    def not_yet_adopted(self) -> Safe:
        """Why almost nothing can be said here."""
        adopt = code_span(f"{self.methodology.commands.prefix} adopt")
        return together(own("This issue is no engagement yet; "), adopt, own(" makes it one."))

    def form(self, command: str) -> Safe:
        """A command as it is to be written."""
        return code_span(f"{self.methodology.commands.prefix} {command}")

    def usage(self, command: Command) -> Safe:
        """A command with what may stand behind it, in our own words."""
        return own(f"`{self.methodology.commands.prefix} {command.form}`")

    def track(self, about: About | None = None) -> tuple[str, Track]:
        """The track that the command is about. One that this engagement does not have is replaced by the other."""
        about = about or self.command.about
        wanted = {About.SCOPING: IssueKind.SCOPING, About.INTAKE: IssueKind.INTAKE}.get(about, self.on)
        placed = [(n, t) for n, t in self.methodology.tracks.items() if n in self.standing.places]
        if not placed:
            raise UserError(own("This engagement stands on no track of the process."))
        if about is About.PAUSED:
            placed = [each for each in placed if self.state(each[0]).kind is not Kind.STEP] or placed
        return next((each for each in placed if each[1].on is wanted), placed[0])

    def state(self, track: str) -> State:
        """Where a track is."""
        return self.methodology.tracks[track].states[self.standing.places[track].state]

    def holds(self, *roles: str) -> bool:
        """Whether the speaker holds one of these roles; of none at all everybody does."""
        return not roles or any(self.course.scene.holds(self.by, role) for role in roles)

    def speech(self) -> Speech:
        """What the words about gates are written from."""
        segment = self.course.scene.segment
        groups = {name: role.within(segment).groups for name, role in self.methodology.roles.items()}
        return Speech(standing=self.standing, people=self.people, groups=groups)

    def role(self, role: str) -> Safe:
        """A role and who holds it, as code."""
        rules = self.methodology.roles[role]
        return role_in_words(role, self.people.get(role, ()), rules.groups, self.methodology)

    # -- what is done

    def say(self, *parts: Safe) -> None:
        """Something to be answered."""
        self.said.append(together(*parts))

    def label(self, kind: IssueKind, label: str, *, instead_of: tuple[str, ...] = ()) -> None:
        """Set a label on an issue of the engagement, and take others off."""
        issue = self.ledger.issues.get(kind)
        if issue is None:
            return
        labels = dict.fromkeys([*(each for each in issue.labels if each not in instead_of), label])
        held = self.ledger
        held.add = {**held.add, kind: (*(x for x in held.add.get(kind, ()) if x not in instead_of), label)}
        held.remove = {**held.remove, kind: (*(x for x in held.remove.get(kind, ()) if x != label), *instead_of)}
        self.course.ordered.add(label)
        self.course.unlost.discard(label)
        self._rewrite(kind, replace(issue, labels=tuple(labels)))

    def _rewrite(self, kind: IssueKind, issue: Issue) -> None:
        self.ledger.issues = {**self.ledger.issues, kind: issue}
        self.look()

    def put(self, kind: IssueKind, key: str, value: Safe, *, was: str, text: str) -> None:
        """Write an answer in place of what it was; `text` is the description with it."""
        held = self.ledger
        first_was = held.answers.get(kind, {}).get(key, (value, was))[1]
        held.answers = {**held.answers, kind: {**held.answers.get(kind, {}), key: (value, first_was)}}
        self._rewrite(kind, replace(held.issues[kind], description=text))

    def assign(self, kind: IssueKind, username: str) -> None:
        """Make somebody the assignee."""
        self.ledger.assignee = {**self.ledger.assignee, kind: username}

    def attach(self, attachment: Attachment) -> None:
        """Have a file hang on the issue."""
        others = [each for each in self.ledger.attachments if each.document != attachment.document]
        self.ledger.attachments = (*others, attachment)

    # -- all or nothing

    def keep(self) -> Callable[[], None]:
        """Remember how everything is now; calling what is returned brings that back."""
        ledger, course = replace(self.ledger), self.placed
        held = None if course is None else replace(course)
        lists = (
            ([], [], set(), set(), set())
            if course is None
            else (course.notices[:], course.reasons[:], set(course.revived), set(course.unlost), set(course.ordered))
        )

        def back() -> None:
            self.ledger.issues, self.ledger.answers = ledger.issues, ledger.answers
            self.ledger.add, self.ledger.remove, self.ledger.assignee = ledger.add, ledger.remove, ledger.assignee
            self.ledger.attachments = ledger.attachments
            if course is not None and held is not None:
                course.standing, course.scene = held.standing, held.scene
                course.notices, course.reasons, course.revived, course.unlost, course.ordered = lists
            self.said.clear()
            self.moved = None

        return back


def paused_track(standing: Standing, methodology: Methodology) -> str | None:
    """The track that is on hold, if one is: then the whole engagement rests."""
    tracks = methodology.tracks
    return next((n for n, p in standing.places.items() if tracks[n].states[p.state].kind is Kind.HOLD), None)


def is_possible(command: Command, track: str, standing: Standing, methodology: Methodology) -> bool:
    """Whether a command can be used where a track is."""
    place = standing.places.get(track)
    if place is None or command.when is When.ALWAYS:
        return True
    state = methodology.tracks[track].states[place.state]
    is_paused = paused_track(standing, methodology) is not None
    match command.when:
        case When.NOT_ENDED:
            return not state.is_end
        case When.UNDER_WAY:
            return not state.is_end and not is_paused
        case _:
            return state.is_end or is_paused
