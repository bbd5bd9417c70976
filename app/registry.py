"""What reacts to what: one decorator per handler and per command; help, permissions and documents read the same
registration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from app.actions import Action
from app.engagement import Engagement
from app.events import Event
from app.hearing import About, Command, Hearing, When, sees_none
from app.issue_text import Playbook
from app.layers import Found, one_of
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.ports import Person
from app.snapshot import Needs, Snapshot


@dataclass(frozen=True, slots=True)
class Listened:
    """The commands of a comment that this decision heard, as digests: carried out (or `refused`), or another's."""

    note_id: int
    carried_out: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    """Those of `carried_out` that came to nothing."""
    forgiven: frozenset[str] = frozenset()
    """Those refused earlier whose refusal is taken back, because they were mended."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, why, and what the bot knows afterwards.

    `reasons` are for the journal and the operator: no words of a customer in them. `engagement`: as it is to be kept
    (None: unchanged). `lane`: the event belongs to this engagement; decide it there, not here. `listened`: is kept with
    the decision, so that no command is heard twice.
    """

    reasons: tuple[str, ...]
    actions: tuple[Action, ...] = ()
    engagement: Engagement | None = None
    lane: str | None = None
    listened: Listened | None = None

    @property
    def does_nothing(self) -> bool:
        """Whether the event is simply ignored, though something may have been learnt from it."""
        return not self.actions and self.engagement is None and self.lane is None

    @property
    def changes_nothing(self) -> bool:
        """Whether there is nothing to keep either."""
        return self.does_nothing and self.listened is None


def ignore(reason: str) -> Decision:
    """Nothing is to be done, because …"""
    return Decision(reasons=(reason,))


E = TypeVar("E", bound=Event)
Decide = Callable[[E, Snapshot, Playbook, datetime], Decision]
AskNeeds = Callable[[E, Engagement | None, Playbook, Person], Needs]
"""The last is the bot's own user."""


@dataclass(frozen=True, slots=True)
class Handler:
    """A registered reaction to one kind of event."""

    event: type[Event]
    decide: Decide[Event]
    needs: AskNeeds[Event]


CarryOut = Callable[[Hearing], None]
Judge = Callable[[Hearing, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCommand:
    """A command that every gate has which people judge: `approve` becomes `ta approve`, `rdm approve`, …"""

    verdict: str
    usage: str
    says: str
    who: tuple[str, ...]
    """Besides the holders of the gate's role where `is_for_role`."""
    is_for_role: bool
    is_alone: bool
    """Whether the one decision whose yes is a state of its track has it too, as a word of its own."""
    examples: tuple[str, ...]
    judge: Judge

    def of(self, gate: str, methodology: Methodology) -> Command:
        """The command at one gate; `{gate}` in the sentence is what the gate is called."""
        rules = methodology.gates[gate]
        return Command(
            name=methodology.judging(gate, self.verdict),
            usage=self.usage,
            says=self.says.replace("{gate}", rules.title),
            who=(rules.role, *self.who) if self.is_for_role else self.who,
            when=When.UNDER_WAY,
            about=About.SCOPING if methodology.tracks[rules.track].on is IssueKind.SCOPING else About.INTAKE,
            examples=self.examples,
            carry_out=lambda hearing: self.judge(hearing, gate),
        )


@dataclass(slots=True)
class Registry:
    """The handlers by kind of event, exactly one each; and the commands by name."""

    handlers: dict[type[Event], Handler] = field(default_factory=dict)
    single: dict[str, Command] = field(default_factory=dict)
    of_gates: list[GateCommand] = field(default_factory=list)

    def on(self, event: type[E], *, needs: AskNeeds[E] | None = None) -> Callable[[Decide[E]], Decide[E]]:
        """Register the decorated function as what decides this kind of event."""

        def register(decide: Decide[E]) -> Decide[E]:
            if event in self.handlers:
                raise ValueError(f"{event.__name__} has a handler already")
            self.handlers[event] = Handler(event, decide, needs or _nothing)  # type: ignore[index,arg-type]
            return decide

        return register

    def command(
        self,
        name: str,
        *,
        says: str,
        who: tuple[str, ...],
        usage: str = "",
        when: When = When.NOT_ENDED,
        about: About = About.SCOPING,
        examples: tuple[str, ...] = ("",),
        is_free: bool = False,
        is_only_free: bool = False,
        sees_happenings: bool = False,
        sees_pipeline: bool = False,
        sees_assignments: bool = False,
        sees_files: Callable[[str], bool] = sees_none,
    ) -> Callable[[CarryOut], CarryOut]:
        """Register the decorated function as what carries out `name`. `examples`: what may stand behind the name."""

        def register(carry_out: CarryOut) -> CarryOut:
            if name in self.single:
                raise ValueError(f"the command {name!r} is registered already")
            self.single[name] = Command(
                name=name,
                usage=usage,
                says=says,
                who=who,
                when=when,
                about=about,
                examples=examples,
                carry_out=carry_out,
                is_free=is_free,
                is_only_free=is_only_free,
                sees_happenings=sees_happenings,
                sees_pipeline=sees_pipeline,
                sees_assignments=sees_assignments,
                sees_files=sees_files,
            )
            return carry_out

        return register

    def gate_command(
        self,
        verdict: str,
        *,
        says: str,
        usage: str = "",
        who: tuple[str, ...] = (),
        is_for_role: bool = True,
        is_alone: bool = True,
        examples: tuple[str, ...] = ("",),
    ) -> Callable[[Judge], Judge]:
        """Register the decorated function for every gate that people judge; it is told which one."""

        def register(judge: Judge) -> Judge:
            self.of_gates.append(
                GateCommand(
                    verdict=verdict,
                    usage=usage,
                    says=says,
                    who=who,
                    is_for_role=is_for_role,
                    is_alone=is_alone,
                    examples=examples,
                    judge=judge,
                )
            )
            return judge

        return register

    def commands(self, methodology: Methodology) -> dict[str, Command]:
        """Every command by name, those of the gates included, in the order of registration."""
        found = dict(self.single)
        for gate, verb in methodology.verbs_of_gates.items():
            for command in self.of_gates:
                if verb or command.is_alone:
                    made = command.of(gate, methodology)
                    found.setdefault(made.name, made)
        return found

    def unknown_commands(self, methodology: Methodology) -> Found:
        """Commands that a methodology names and that do not exist: for `load_methodology` to look at."""
        known = self.commands(methodology)
        for name in methodology.commands.who:
            if name not in known:
                yield ("commands", "who", name), f"no command is called {name!r}; {one_of(known, near=name)}"


def _nothing(event: Event, engagement: Engagement | None, playbook: Playbook, bot: Person) -> Needs:  # noqa: ARG001
    return Needs()


registry = Registry()
"""The one registry: importing the `handlers` package fills it."""
