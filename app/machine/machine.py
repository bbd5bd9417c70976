"""The process at work: where an engagement stands + what was done + the scene → where it stands now, and what follows.

Pure, and driven by GitLab's own record of label changes rather than by deliveries: deliveries come twice, late, in any
order or never, the record has every change once, in order, with its author. So repeating an event changes nothing, and
what happened while the bot was down is treated as if it had been there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from app.machine.criteria import all_met, gaps
from app.machine.gates import GateState, gate_state, held_back, is_before
from app.machine.looks import label_changes, open_or_closed
from app.machine.outcome import (
    AskedFor,
    AskedReview,
    CouldNotFollow,
    HowDidItEnd,
    NotAState,
    Notice,
    NotYours,
    Outcome,
    PutBack,
)
from app.machine.scene import Scene, Sign, Turn
from app.machine.standing import Approval, Place, Standing, Verdict
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.methodology.process import Document, Gate, Kind, Pull, Track
from app.methodology.spelling import scope_of


def proceed(
    standing: Standing,
    signs: Sequence[Sign],
    turns: Sequence[Turn],
    scene: Scene,
    methodology: Methodology,
    *,
    now: float,
    quarter: str | None = None,
) -> Outcome:
    """Work through what was done since `standing`, then through all that follows from it by itself.

    `quarter`: label of the quarter of today, set where an engagement ends. Never raises for what people did.
    """
    return _Run(standing, scene, methodology, now, quarter).outcome(signs, turns)


@dataclass(slots=True)
class _Run:
    standing: Standing
    scene: Scene
    methodology: Methodology
    now: float
    quarter: str | None
    notices: list[Notice] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    revived: set[str] = field(default_factory=set)
    """Tracks that left an end."""

    def outcome(self, signs: Sequence[Sign], turns: Sequence[Turn]) -> Outcome:
        self._begin()
        for sign in sorted(signs, key=lambda each: each.id):
            if sign.id > self.standing.seen.get(sign.on.value, 0):
                self._sign(sign)
                self.standing = self.standing.saw(sign.on, sign.id)
        self._label_gone(signs)
        for turn in turns:
            self._turn(turn)
        self._follow()
        self._ask()
        return Outcome(
            standing=self.standing,
            reasons=tuple(self.reasons),
            labels=label_changes(self.standing, self.scene, self.methodology, quarter=self.quarter),
            open=open_or_closed(self.standing, self.scene, self.methodology, revived=self.revived),
            notices=tuple(self.notices),
        )

    def _begin(self) -> None:
        """Every track whose issue is there has a place."""
        missing = {
            name: Place(track.start, self.now)
            for name, track in self.methodology.tracks.items()
            if name not in self.standing.places and track.on in self.scene.issues
        }
        if missing:
            self.standing = replace(self.standing, places={**self.standing.places, **missing})

    # -- what people did

    def _sign(self, sign: Sign) -> None:
        self._note_setter(sign)
        reading = self.methodology.spellers[sign.on].read(sign.label)
        if sign.is_bot or not reading.is_ours:
            return
        if not reading.is_known:
            scope = self._track_of_scope(sign)
            if sign.is_added and scope is not None:
                self.notices.append(NotAState(f"state:{sign.on.value}:{sign.id}", sign.on, scope, sign.by))
            return
        if not sign.is_added:
            self._taken_off(sign, reading.name)
            return
        for name, gate in self._gates_on(sign.on):
            if reading.name is not None and reading.name == gate.labels.passed:
                self._verdict(name, gate, Verdict.PASSED, sign)
            elif reading.name is not None and reading.name == gate.labels.failed:
                self._verdict(name, gate, Verdict.FAILED, sign)
        for name, track in self._tracks_on(sign.on):
            if reading.name is None and self._track_of_scope(sign) == name:
                self._move(name, track, track.start, sign)
            elif reading.name is not None and (to := track.by_label.get(reading.name)) is not None:
                self._move(name, track, to, sign)

    def _note_setter(self, sign: Sign) -> None:
        for criterion in self.methodology.trusted_labels.get(sign.label, ()):
            trusted = sign.is_bot or (criterion.set_by is not None and self.scene.holds(sign.by, criterion.set_by))
            setters = {label: by for label, by in self.standing.setters.items() if label != sign.label}
            if sign.is_added and trusted:
                setters[sign.label] = sign.by or ""
            self.standing = replace(self.standing, setters=setters)

    def _verdict(self, name: str, gate: Gate, verdict: Verdict, sign: Sign) -> None:
        """A yes or no by label: it counts when a holder of the role set it."""
        estimate = self.standing.papers.get(Document.ESTIMATE.value)
        own = gate.document is Document.ESTIMATE and estimate is not None and estimate.by == sign.by
        if not self.scene.holds(sign.by, gate.role) or own:
            if gate.labels.passed not in self.methodology.tracks[gate.track].by_label:
                # where it is a state's label as well, the move says what is missing
                self.notices.append(
                    NotYours(f"gate:{sign.on.value}:{sign.id}", sign.on, gate.title, gate.role, sign.by, own)
                )
            return
        approval = Approval(verdict, sign.by or "", sign.at, self.standing.version(gate.document))
        self.standing = replace(self.standing, approvals={**self.standing.approvals, name: approval})
        self.reasons.append(f"{name}: {verdict.value}")

    def _taken_off(self, sign: Sign, label: str | None) -> None:
        """A gate's own label was taken off: a holder of the role takes the word back, others cannot."""
        if any(label in track.by_label for _, track in self._tracks_on(sign.on)):
            return
        for name, gate in self._gates_on(sign.on):
            approval = self.standing.approvals.get(name)
            if label not in (gate.labels.passed, gate.labels.failed) or approval is None:
                continue
            if label != (gate.labels.passed if approval.verdict is Verdict.PASSED else gate.labels.failed):
                continue
            if self.scene.holds(sign.by, gate.role):
                left = {other: each for other, each in self.standing.approvals.items() if other != name}
                self.standing = replace(self.standing, approvals=left)
                self.reasons.append(f"{name}: taken back")
            elif label not in self.scene.issues[sign.on].labels:
                key = f"gate:{sign.on.value}:{sign.id}"
                self.notices.append(NotYours(key, sign.on, gate.title, gate.role, sign.by))

    def _label_gone(self, signs: Sequence[Sign]) -> None:
        """No state's label is left on an issue: it is back at the start, or, from a pause, where it was."""
        for name, track in self.methodology.tracks.items():
            place = self.standing.places.get(name)
            issue = self.scene.issues.get(track.on)
            if place is None or issue is None or track.states[track.start].label is not None:
                continue
            label = track.states[place.state].label if place.state in track.states else None
            speller = self.methodology.spellers[track.on]
            if label is None or any(speller.read(each).name in track.by_label for each in issue.labels):
                continue
            last = max(
                (each for each in signs if each.on is track.on and speller.read(each.label).name == label),
                key=lambda each: each.id,
                default=None,
            )
            if last is None or last.is_added or last.is_bot:
                continue  # not taken off by a person: it is set again
            is_hold = track.states[place.state].kind is Kind.HOLD
            self._move(name, track, place.left or track.start if is_hold else track.start, last)

    def _move(self, name: str, track: Track, to: str, sign: Sign) -> None:
        """A move by a person: it stands, unless it skips a blocking gate or leaves an end without the role for it."""
        place = self.standing.places.get(name)
        if place is None or to == place.state:
            return
        came_from = track.states[place.state]
        key = f"move:{sign.on.value}:{sign.id}"
        if came_from.is_end and not self.scene.holds(sign.by, track.reopened_by):
            title = f"Opening it again after {came_from.title}"
            self.notices.append(NotYours(key, sign.on, title, track.reopened_by, sign.by))
            return
        if missing := held_back(name, to, self.standing, self.scene, self.methodology):
            kept = self._own_yes(name, track, to)
            self.notices.append(PutBack(key, sign.on, name, to, sign.by, missing, kept))
            return
        self._enter(name, track, to, at=sign.at)

    def _own_yes(self, name: str, track: Track, to: str) -> bool:
        """Whether the state's label was itself a yes that counts."""
        label = track.states[to].label
        return any(
            gate.track == name
            and gate.labels.passed == label
            and gate_state(key, self.standing, self.scene, self.methodology) is GateState.PASSED
            for key, gate in self.methodology.gates.items()
        )

    def _turn(self, turn: Turn) -> None:
        """An issue closed or opened again by a person."""
        if turn.id <= self.standing.seen_states.get(turn.on.value, 0):
            return
        self.standing = replace(self.standing, seen_states={**self.standing.seen_states, turn.on.value: turn.id})
        for name, track in self._tracks_on(turn.on):
            place = self.standing.places[name]
            state = track.states[place.state]
            if turn.is_closed and not state.is_end and track.closing_asks is not None:
                self.notices.append(HowDidItEnd(f"closed:{turn.on.value}:{turn.id}", turn.on, name, turn.by))
            elif not turn.is_closed and state.is_end and self.scene.issues[turn.on].is_open:
                if self.scene.holds(turn.by, track.reopened_by):
                    self._enter(name, track, place.left or track.start, at=turn.at)
                else:
                    title = f"Opening it again after {state.title}"
                    key = f"opened:{turn.on.value}:{turn.id}"
                    self.notices.append(NotYours(key, turn.on, title, track.reopened_by, turn.by))

    # -- what follows by itself

    def _enter(self, name: str, track: Track, to: str, *, at: float, pulled: bool = False) -> None:
        place = self.standing.places[name]
        state = track.states[to]
        self._open_document_again(name, place.state, to)
        remembers = state.kind is Kind.HOLD or state.is_end
        was_step = track.states[place.state].kind is Kind.STEP
        left = (place.state if was_step else place.left) if remembers else None
        self.standing = self.standing.at(name, Place(to, at, left, pulled))
        self.reasons.append(f"{name}: {place.state} → {to}")
        if track.states[place.state].is_end and not state.is_end:
            self.revived.add(name)
            self._come_back(name, at)
        for pull in state.on_enter.pull:
            self._pull(pull, at, why=to)
        for ask in state.on_enter.ask:
            self._ask_for(ask)

    def _open_document_again(self, name: str, old: str, to: str) -> None:
        """Leaving, backwards, what a yes had opened makes its document open again: what was said of it is void."""
        path = self.methodology.tracks[name].path
        if old not in path or to not in path or path.index(to) >= path.index(old):
            return
        labels = self.methodology.tracks[name].by_label
        for gate in self.methodology.gates.values():
            if gate.track != name or gate.document is None or gate.labels.passed not in labels:
                continue
            if is_before(gate, old, self.methodology) and not is_before(gate, to, self.methodology):
                document = gate.document.value
                times = {**self.standing.reopened, document: self.standing.reopened.get(document, 0) + 1}
                self.standing = replace(self.standing, reopened=times)

    def _come_back(self, track: str, at: float) -> None:
        """An engagement that was at its end goes on: so does what it had pulled along."""
        for name, place in self.standing.places.items():
            other = self.methodology.tracks[name]
            if name != track and place.pulled and other.states[place.state].is_end:
                self._enter(name, other, place.left or other.start, at=at)

    def _pull(self, pull: Pull, at: float, *, why: str) -> None:
        place = self.standing.places.get(pull.track)
        track = self.methodology.tracks[pull.track]
        if place is None or place.state == pull.to or track.states[place.state].is_end:
            return
        if not pull.only_from or place.state in pull.only_from:
            self._enter(pull.track, track, pull.to, at=at, pulled=True)
        elif pull.say is not None:
            wanted = track.states[pull.only_from[0]]
            before = track.states[place.state]
            names = tuple(dict.fromkeys([*before.leave, *wanted.leave]))
            missing = gaps(names, self.standing, self.scene, self.methodology)
            self.notices.append(CouldNotFollow(f"follow:{pull.track}:{why}", track.on, pull.say, missing))

    def _follow(self) -> None:
        """Automatic moves and starts, until nothing follows any more; each move is forward, so that this ends."""
        self._complete_a_yes()
        for _ in range(1 + sum(len(track.states) for track in self.methodology.tracks.values())):
            before = self.standing
            for auto in self.methodology.automatic.values():
                place = self.standing.places.get(auto.track)
                if place is not None and place.state in auto.only_from and self._all(auto.when):
                    self._enter(auto.track, self.methodology.tracks[auto.track], auto.to, at=self.now)
            for name, start in self.methodology.starts.items():
                if name not in self.standing.started and self._all(start.when):
                    self.standing = replace(self.standing, started=self.standing.started | {name})
                    self.reasons.append(f"starts: {name}")
                    for pull in start.pull:
                        self._pull(pull, self.now, why=name)
                    for ask in start.ask:
                        self._ask_for(ask)
            if self.standing == before:
                return

    def _complete_a_yes(self) -> None:
        """A yes that was kept because others were missing moves the engagement when the last of them has come."""
        for name, gate in self.methodology.gates.items():
            track = self.methodology.tracks[gate.track]
            place = self.standing.places.get(gate.track)
            to = None if gate.labels.passed is None else track.by_label.get(gate.labels.passed)
            if to is None or place is None or place.state not in track.path:
                continue
            if track.path.index(place.state) >= track.path.index(to):
                continue
            if gate_state(name, self.standing, self.scene, self.methodology) is not GateState.PASSED:
                continue
            if not held_back(gate.track, to, self.standing, self.scene, self.methodology):
                self._enter(gate.track, track, to, at=self.now)

    def _ask(self) -> None:
        """The gates whose review is due here are asked for, once for each version."""
        for name, gate in self.methodology.gates.items():
            place = self.standing.places.get(gate.track)
            if place is None or place.state not in gate.ask_in or gate.request is None:
                continue
            version = self.standing.version(gate.document)
            is_open = gate_state(name, self.standing, self.scene, self.methodology) is GateState.OPEN
            if is_open and self.standing.asked.get(name) != version:
                self._asked(name, version)
                on = self.methodology.tracks[gate.track].on
                self.notices.append(AskedReview(f"review:{name}:{version}", on, name))

    def _ask_for(self, name: str) -> None:
        if name in self.standing.asked:
            return
        self._asked(name, 0)
        ask = self.methodology.asks[name]
        missing = gaps(ask.missing, self.standing, self.scene, self.methodology)
        if ask.on in self.scene.issues:
            self.notices.append(AskedFor(f"ask:{name}", ask.on, name, missing))

    def _asked(self, name: str, version: int) -> None:
        self.standing = replace(self.standing, asked={**self.standing.asked, name: version})

    def _all(self, names: Sequence[str]) -> bool:
        return all_met(names, self.standing, self.scene, self.methodology)

    def _tracks_on(self, on: IssueKind) -> list[tuple[str, Track]]:
        return [(n, t) for n, t in self.methodology.tracks.items() if t.on is on and n in self.standing.places]

    def _gates_on(self, on: IssueKind) -> list[tuple[str, Gate]]:
        gates = self.methodology.gates.items()
        return [(name, gate) for name, gate in gates if self.methodology.tracks[gate.track].on is on]

    def _track_of_scope(self, sign: Sign) -> str | None:
        scope = scope_of(sign.label)
        return next((name for name, track in self._tracks_on(sign.on) if track.scope.casefold() == scope), None)
