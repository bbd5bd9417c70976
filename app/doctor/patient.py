"""What the checks look at: settings, GitLab by both tokens, the process; each read once, however many checks ask."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from app.clock import Clock
from app.errors import Absent, NotAccepted, Permanent, Retry, attempt
from app.layers import FileFaults
from app.methodology import Methodology
from app.ports import ChatKeeper, GitLab, Person, Probe, ProjectKeeper, Salesforce
from app.project import AccessToken, Instance, ProjectFacts
from app.settings import PREFIX
from app.settings_survey import Survey
from app.setup.desired import Desired, desired
from app.setup.forms import FormFault, load_forms

T = TypeVar("T")


class Unchecked(Exception):
    """It cannot be looked at before something else is mended; the text says what."""


class Reader(ProjectKeeper, GitLab, Protocol):
    """The project by one token, as operator and as bot."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The instance, and our own time when it answered."""

    instance: Instance
    at: float


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose a token is, and what it may."""

    person: Person
    token: AccessToken


@dataclass(frozen=True, slots=True)
class Tools:
    """What reaches outside. `operator` is by the operator's token where there is one, else the bot's own.

    `slack`: as the bot has it there; None where it has no token.

    `read_methodology` raises FileFaults, and tells warnings.
    """

    bot: Reader
    operator: Reader
    read_methodology: Callable[[Path | None], tuple[Methodology, tuple[str, ...]]]
    probe: Probe
    clock: Clock
    hook_path: str
    slack: ChatKeeper | None = None
    greet_mail_server: Callable[[], str] | None = None
    """Connects, logs in, and tells what the server calls itself; None where no mail is sent."""
    salesforce: Salesforce | None = None


class Once(Generic[T]):
    """Found out by whoever asks first; the others get the same, an error as well."""

    def __init__(self, find: Callable[[], T]) -> None:
        self._find = find
        self._lock = threading.Lock()
        self._found: list[T | Exception] = []

    def __call__(self) -> T:
        """The value. Raises what finding it out raised."""
        with self._lock:
            if not self._found:
                self._found.append(attempt(self._find))
        (found,) = self._found
        if isinstance(found, Exception):
            raise found
        return found


class Patient:
    """Everything that is looked at. Methods that a check may rely on raise Unchecked where it may not."""

    def __init__(self, survey: Survey, tools: Tools) -> None:
        self.survey = survey
        self.settings = survey.settings
        self.tools = tools
        self.has_operator = survey.settings.gitlab_admin_token is not None
        self.seen = Once(self._see)
        self.bearer_of_bot = Once(lambda: self._bearer(tools.bot))
        self.bearer_of_operator = Once(lambda: self._bearer(tools.operator))
        self.level_of_bot = Once(tools.bot.own_level)
        self.level_of_operator = Once(tools.operator.own_level)
        self.facts = Once(tools.bot.facts)
        self.process = Once(lambda: tools.read_methodology(self.settings.methodology))

    def _see(self) -> Seen:
        """By whichever token is taken. Raises NotAccepted where none is: GitLab answers, and tells nothing."""
        readers = [self.tools.operator, self.tools.bot] if self.has_operator else [self.tools.bot]
        refusal: NotAccepted | None = None
        for reader in readers:
            try:
                return Seen(reader.instance(), self.tools.clock())
            except NotAccepted as fault:
                refusal = fault
        raise refusal or NotAccepted("there is no token")

    def _bearer(self, reader: Reader) -> Bearer:
        return Bearer(reader.whoami(), reader.token())

    def need_gitlab(self) -> None:
        """GitLab answers, whatever it thinks of our tokens."""
        try:
            self.seen()
        except NotAccepted:
            return
        except (Retry, Permanent):
            raise Unchecked("GitLab does not answer as it should") from None

    def need_token(self) -> None:
        """GitLab takes the bot's token."""
        self._need(self.bearer_of_bot, "GitLab does not take PSPLAN_GITLAB_TOKEN")

    def bot(self) -> Reader:
        """GitLab by the bot's token, which is good, and sees the project."""
        self.need_gitlab()
        self.need_token()
        self._need(self.facts, "the bot sees no such project")
        return self.tools.bot

    def operator(self) -> Reader:
        """GitLab by the token that `psplan setup` uses, which is good, and sees the project."""
        if not self.has_operator:
            return self.bot()
        self.need_gitlab()
        self._need(self.bearer_of_operator, "GitLab does not take PSPLAN_GITLAB_ADMIN_TOKEN")
        self._need(self._operators_facts, "there is no such project")
        return self.tools.operator

    def _operators_facts(self) -> ProjectFacts:
        return self.tools.operator.facts()

    def _need(self, find: Callable[[], object], otherwise: str) -> None:
        """`otherwise`: what a plain no means; what else is met says so itself."""
        try:
            find()
        except (NotAccepted, Absent):
            raise Unchecked(otherwise) from None
        except (Retry, Permanent) as fault:
            raise Unchecked(fault.reason) from None

    def need(self, *settings: str) -> None:
        """These settings are there, and well-formed."""
        for name in settings:
            if name in self.survey.faults:
                raise Unchecked(f"{PREFIX}{name.upper()} has to be mended first")

    def methodology(self) -> Methodology:
        """The process in force."""
        try:
            return self.process()[0]
        except FileFaults:
            raise Unchecked("the methodology has to be mended first") from None

    def desired(self) -> Desired:
        """How the project should be."""
        try:
            forms = load_forms(self.settings.templates)
        except FormFault as fault:
            raise Unchecked(str(fault)) from None
        return desired(self.methodology(), self.settings, hook_path=self.tools.hook_path, forms=forms)
