"""Two issues in a GitLab of the mind, people who label them, and the machine that answers; for tests of the machine.

Every change leaves its event with a number, as in GitLab's own record, and every moment can be looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from app.machine.machine import proceed
from app.machine.outcome import Notice, Outcome
from app.machine.papers import digest_of
from app.machine.scene import IssueView, Scene, Sign, Turn
from app.machine.standing import Paper, Standing
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.methodology.spelling import scope_of

SCOPING, INTAKE = IssueKind.SCOPING, IssueKind.INTAKE
BOT = "ps-bot"
QUARTER = "close_qtr::Q427"
HOLDERS = {
    "em": frozenset({"erin"}),
    "ta": frozenset({"tara"}),
    "rdm": frozenset({"ravi"}),
    "leadership": frozenset({"dana"}),
    "revenue": frozenset({"rhea"}),
    "deal_desk": frozenset({"desk"}),
    "security": frozenset({"sven"}),
}
STRANGER = "alice"


def estimate(amount: str = "62000", currency: str | None = "USD", *, version: int = 1, by: str = STRANGER) -> Paper:
    return Paper(version, by, 0.0, amount=Decimal(amount), currency=currency)


@dataclass(slots=True)
class Walk:
    """An engagement on its way. `is_paid`: the plan keeps labels of a scope exclusive (Premium)."""

    methodology: Methodology
    is_paid: bool = False
    standing: Standing = field(default_factory=Standing)
    labels: dict[IssueKind, set[str]] = field(default_factory=lambda: {SCOPING: set(), INTAKE: {"Intake::Draft"}})
    is_open: dict[IssueKind, bool] = field(default_factory=lambda: {SCOPING: True, INTAKE: True})
    holders: Mapping[str, frozenset[str]] = field(default_factory=lambda: HOLDERS)
    facts: Scene = field(default_factory=lambda: Scene({}, has_segment=True))
    signs: list[Sign] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    clock: int = 0

    # -- what people do

    def add(self, by: str | None, label: str, on: IssueKind = SCOPING) -> None:
        if label in self.labels[on]:
            return
        self.clock += 1
        self._event(by, label, on, is_added=True)
        if self.is_paid and "::" in label:
            scope = label.rpartition("::")[0]
            for other in [each for each in self.labels[on] if each != label and each.rpartition("::")[0] == scope]:
                self._event(by, other, on, is_added=False)

    def take_off(self, by: str | None, label: str, on: IssueKind = SCOPING) -> None:
        if label in self.labels[on]:
            self.clock += 1
            self._event(by, label, on, is_added=False)

    def turn(self, by: str | None, on: IssueKind = SCOPING) -> None:
        """Close an open issue, open a closed one."""
        self.clock += 1
        self.is_open[on] = not self.is_open[on]
        self.turns.append(Turn(len(self.turns) + 1, on, not self.is_open[on], by, float(self.clock)))

    def _event(self, by: str | None, label: str, on: IssueKind, *, is_added: bool) -> None:
        (self.labels[on].add if is_added else self.labels[on].discard)(label)
        self.signs.append(Sign(len(self.signs) + 1, on, label, is_added, by, float(self.clock), is_bot=by == BOT))

    # -- what the bot does

    def scene(self) -> Scene:
        issues = {on: IssueView(frozenset(self.labels[on]), self.is_open[on]) for on in self.labels}
        return replace(self.facts, issues=issues, holders=self.holders)

    def decide(self, *, signs: Iterable[Sign] | None = None, turns: Iterable[Turn] | None = None) -> Outcome:
        return proceed(
            self.standing,
            tuple(self.signs if signs is None else signs),
            tuple(self.turns if turns is None else turns),
            self.scene(),
            self.methodology,
            now=float(self.clock),
            quarter=QUARTER,
        )

    def look(self) -> Outcome:
        """Decide, and do at GitLab what was decided."""
        outcome = self.decide()
        self.standing = outcome.standing
        self.notices += outcome.notices
        for on, change in outcome.labels.items():
            # one request, whose additions GitLab records before its removals
            for label in change.add:
                self.add(BOT, label, on)
            for label in change.remove:
                self.take_off(BOT, label, on)
        self.is_open |= outcome.open
        return outcome

    def say(self, by: str | None, *labels: str, on: IssueKind = SCOPING) -> Outcome:
        """Somebody sets labels, one after the other, and the bot looks after each; what came of the last."""
        outcome = None
        for label in labels:
            self.add(by, label, on)
            outcome = self.look()
        assert outcome is not None
        return outcome

    # -- how it stands

    def state(self, track: str) -> str:
        return self.standing.places[track].state

    def states(self) -> dict[str, str]:
        return {name: place.state for name, place in self.standing.places.items()}

    def scoped(self, scope: str, on: IssueKind = SCOPING) -> set[str]:
        return {label for label in self.labels[on] if scope_of(label) == scope.casefold()}


def with_digests(standing: Standing, methodology: Methodology) -> Standing:
    """The standing with approvals that are bound to the documents on record, as far as their version is the present."""
    bound = {
        name: replace(each, digest=digest_of(methodology.gates[name].document, standing, methodology))
        for name, each in standing.approvals.items()
    }
    return replace(standing, approvals=bound)


def begun(
    methodology: Methodology, *, is_paid: bool = False, worth: Paper | None = None, facts: Scene | None = None
) -> Walk:
    """An engagement just submitted, looked at once."""
    walk = Walk(methodology, is_paid=is_paid)
    if worth is not None:
        walk.standing = Standing(papers={"estimate": worth})
    if facts is not None:
        walk.facts = facts
    walk.look()
    return walk
