"""An engagement on its course: states are entered, and what follows from that by itself follows to the end.

What people did comes in from `people`; here is what the process does about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from app.machine.criteria import all_met, gaps, is_written
from app.machine.gates import GateState, gate_state, held_back, is_before
from app.machine.index import Index
from app.machine.outcome import (
    AskedFor,
    AskedReview,
    CouldNotFollow,
    Fallen,
    MeetingCancelled,
    Notice,
    PutBack,
    SentBack,
    YesFell,
)
from app.machine.papers import bound_papers, differences, digest_of, with_paper
from app.machine.scene import Scene
from app.machine.standing import Approval, Mark, Paper, Place, Standing, Verdict, label_key
from app.machine.timeline import asked, judged, touched, with_activity, with_time
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.methodology.process import Automatic, Document, Gate, Kind, Pull, Track
from app.methodology.spelling import scope_of


def wanted_key(gate: str) -> str:
    """Under which `Standing.asked` keeps for which version a review was wanted that the process does not need."""
    return f"wanted:{gate}"


def called_key(gate: str) -> str:
    """Under which `Standing.asked` keeps to which versions of its documents a gate's holders were called."""
    return f"called:{gate}"


@dataclass(slots=True)
class Course:
    """Where the engagement stands by now, the scene as it was then, and what has to be said about it so far."""

    standing: Standing
    scene: Scene
    methodology: Methodology
    index: Index
    notices: list[Notice] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    revived: set[str] = field(default_factory=set)
    """Tracks that left an end."""
    unlost: set[str] = field(default_factory=set)
    """Labels that said why it was lost, as they stood when it was lost no more; one set later is somebody's word."""
    ordered: set[str] = field(default_factory=set)
    """Labels that were ordered by command so far; on the issues they are in a moment."""
    refused: dict[tuple[str, str | None], float] = field(default_factory=dict)
    """What was refused to whom, and when last."""
    cause: str = ""
    """What a person did that the next reasons follow from."""
    at: float = 0.0
    """When that was, or now."""
    because_of: dict[IssueKind, set[str]] = field(default_factory=dict)
    """Labels that say why the bot did something by itself."""

    def because(self, what: str) -> None:
        """Note what was decided, and what it follows from; no words of a customer."""
        self.reasons.append(f"{self.cause}: {what}" if self.cause else what)

    def noticed(self, by: str | None, at: float) -> None:
        """Somebody did or said something: what clocks want to know of that."""
        self.standing = with_activity(self.standing, at)
        leads = {name.lower() for issue in self.scene.issues.values() for name in issue.assignees}
        for role in self.index.touching:
            is_lead = role == self.methodology.routing.triage_role and by is not None and by.lower() in leads
            if is_lead or self.scene.holds(by, role):
                self.standing = with_time(self.standing, touched(role), at)

    def enter(
        self,
        name: str,
        to: str,
        *,
        at: float,
        pulled: bool = False,
        until: str | None = None,
        words: str | None = None,
    ) -> None:
        """Be in another state of a track, and begin what begins there. The caller has looked at the gates.

        `until` and `words` are what a person says of a pause or an end.
        """
        track = self.methodology.tracks[name]
        place, state = self.standing.places[name], track.states[to]
        came_from = track.states[place.state]
        self._open_document_again(name, place, to)
        remembers = state.kind is Kind.HOLD or state.is_end or pulled
        left = (place.state if came_from.kind is Kind.STEP else place.left) if remembers else None
        rests = to == place.left or state.kind is not Kind.STEP  # a pause changes nothing
        is_back = place.is_back if rests else self.index.is_behind(name, to, place) and not came_from.is_end
        self.standing = self.standing.at(name, Place(to, at, left, pulled, until, words, is_back))
        self.because(f"{track.title}: {came_from.title} → {state.title}")
        if came_from.kind is Kind.LOST and state.kind is not Kind.LOST:
            self.unlost |= self._reasons_of(track)
            self.because_of.pop(track.on, None)
        if came_from.is_end:
            self._come_back(name, at)  # also where it ends otherwise: what was lost and is won has an intake again
            if not state.is_end:
                self.revived.add(name)
        for pull in state.on_enter.pull:
            self._pull(pull, at, why=to, is_tied=state.is_end)
        for ask in state.on_enter.ask:
            self._ask_for(ask, self._decided_on(name, to))

    def _reasons_of(self, track: Track) -> frozenset[str]:
        """The labels on its issue, or ordered for it, that say why it was lost."""
        return (self.scene.issues[track.on].labels | self.ordered) & self._reasons(track)

    def _reasons(self, track: Track) -> frozenset[str]:
        lost = (state for state in track.states.values() if state.kind is Kind.LOST)
        criteria = (self.methodology.criteria[key] for state in lost for key in state.leave)
        return frozenset(label for criterion in criteria for label in criterion.labels)

    def is_idle_reason(self, on: IssueKind, label: str) -> bool:
        """Whether a label says why something was lost that is not."""
        tracks = [(name, track) for name, track in self.index.tracks_on[on] if label in self._reasons(track)]
        places = self.standing.places
        return bool(tracks) and all(track.states[places[name].state].kind is not Kind.LOST for name, track in tracks)

    def _decided_on(self, track: str, to: str) -> int:
        """The serial of the document whose yes leads to a state: each time anew, what follows is asked for anew."""
        gates = (
            self.methodology.gates[key] for key, name, state in self.index.yes_moves if (name, state) == (track, to)
        )
        return max((self.standing.version(gate.document) for gate in gates), default=0)

    def go_back_to(self, name: str) -> str:
        """The state that a paused or ended track left; where a gate before it has fallen since, one before that."""
        track, place = self.methodology.tracks[name], self.standing.places[name]
        to = place.left or track.start
        while self.missing(name, to):
            to = track.path[self.index.positions[name][to] - 1]
        return to

    def missing(self, name: str, to: str) -> bool:
        """Whether a blocking gate holds a move back."""
        return bool(held_back(name, to, self.standing, self.scene, self.methodology))

    def judge(self, name: str, verdict: Verdict, *, by: str, at: float, words: str | None = None) -> None:
        """Somebody who may says yes or no at a gate, to everything it is bound to as it is now. A no may send back."""
        gate = self.methodology.gates[name]
        document, standing = gate.document, self.standing
        papers = {} if document is None else bound_papers(document, standing, self.methodology)
        digest = digest_of(document, standing, self.methodology)
        approval = Approval(verdict, by, at, standing.version(document), digest, papers, words)
        self.standing = with_time(standing.but(approvals={**standing.approvals, name: approval}), judged(name), at)
        self.because(f"{gate.title}: {'yes' if verdict is Verdict.PASSED else 'no'}")
        if verdict is Verdict.FAILED:
            self._send_back(name, gate, at)

    def _send_back(self, name: str, gate: Gate, at: float) -> None:
        track, place = self.methodology.tracks[gate.track], self.standing.places.get(gate.track)
        path, to = self.index.positions[gate.track], gate.sends_back
        self.notices.append(SentBack(f"no:{name}:{self.standing.version(gate.document)}:{int(at)}", track.on, name))
        if to is None or place is None or place.state not in path or track.states[place.state].is_end:
            return
        if path[place.state] > path[to]:
            self.enter(gate.track, to, at=at)

    def put(self, document: Document, paper: Paper) -> None:
        """A document on record as its next version. A review that is under way of another document that is bound to it
        goes on: who was asked is not called again for what they have not answered yet."""
        before = self.standing
        self.standing = with_paper(before, document, paper, self.methodology)
        for name, gate in self.methodology.gates.items():
            old, new = before.version(gate.document), self.standing.version(gate.document)
            is_beside = gate.document is not None and gate.document is not document and old != new
            approval = before.approvals.get(name)
            is_answered = approval is not None and approval.version == old
            if is_beside and before.asked.get(name) == old and not is_answered and gate.document in before.papers:
                self._asked(name, new)
                self._asked(called_key(name), self._edition(gate))

    def is_author(self, username: str | None) -> bool:
        """Whether some document is of this person: nobody says yes to their own work, at whatever gate."""
        papers = self.standing.papers.values()
        return username is not None and any(paper.by.lower() == username.lower() for paper in papers)

    def settle(self, at: float) -> None:
        """Whatever follows by itself, until nothing more does; then the reviews that are due are asked for."""
        told = len(self.notices)
        # automatic moves go forward only and starts happen once, so that this ends; the bound is for a file that errs
        for _ in range(len(self.index.blocking) + len(self.methodology.starts) + 1):
            if not (self._fall(at) or self._complete_a_yes(at) or self._move_by_itself(at) or self._start(at)):
                break
        self._ask_for_reviews()
        self._call_off(at)
        self._tell_what_fell(told)

    def _call_off(self, at: float) -> None:
        """No meeting of an engagement that came to nothing stays in a calendar; one that is won still has some."""
        track_kinds = [(self.methodology.tracks[name], place) for name, place in self.standing.places.items()]
        if not any(track.states[place.state].kind in {Kind.LOST, Kind.CANCELLED} for track, place in track_kinds):
            return
        ahead = {name: each for name, each in self.standing.meetings.items() if each.is_ahead and each.is_after(at)}
        for name, meeting in ahead.items():
            gone = meeting.called_off(by="", at=at)
            self.standing = self.standing.but(meetings={**self.standing.meetings, name: gone})
            self.because(f"called off: {name}")
            self.notices.append(MeetingCancelled(gone.key(name), self.methodology.meetings[name].on, name))

    def decline(self, name: str, origin: Place) -> None:
        """A person has just moved back over an automatic move: it is not made again until its cause has gone and come.

        Without this the bot would undo, without a word, what a person is free to do.
        """
        path = self.index.positions[name]
        old = self._on_path(name, origin)
        for key, auto in self.index.leaving[name, self.standing.places[name].state]:
            is_over = auto.to in path and old is not None and path[old] >= path[auto.to]
            if (is_over or auto.to == origin.state) and self._all(auto.when):
                self.standing = replace(self.standing, declined=self.standing.declined | {key})

    def _on_path(self, name: str, place: Place) -> str | None:
        """The state of a place, or, of a side state, the one it left."""
        return place.state if place.state in self.index.positions[name] else place.left

    def _open_document_again(self, name: str, place: Place, to: str) -> None:
        """Going back makes a document open again: what was said of it is void, and is asked for anew.

        That is so where it leaves what a yes had opened, and where it leaves the states in which a review is due: being
        sent back is a no to the version that was there.
        """
        path = self.index.positions[name]
        old = self._on_path(name, place)
        if old is None or to not in path or path[to] >= path[old]:
            return
        yeses = {key for key, track, _ in self.index.yes_moves if track == name}
        documents = {
            gate.document
            for key, gate in self.methodology.gates.items()
            if gate.track == name
            and gate.document is not None
            and ((key in yeses and self._leaves_behind(gate, old, to)) or self._leaves_review(key, gate, old, to))
        }
        for document in sorted(documents):
            self.reopen(document)

    def _leaves_behind(self, gate: Gate, old: str, to: str) -> bool:
        return is_before(gate, old, self.methodology) and not is_before(gate, to, self.methodology)

    def _leaves_review(self, key: str, gate: Gate, old: str, to: str) -> bool:
        said = key in self.standing.asked or key in self.standing.approvals
        return said and old in gate.ask_in and to not in gate.ask_in

    def reopen(self, document: Document) -> None:
        """Another version of a document, without a new one: no yes or no to the one before counts any more."""
        times = {**self.standing.reopened, document.value: self.standing.reopened.get(document.value, 0) + 1}
        self.standing = replace(self.standing, reopened=times)

    def _come_back(self, track: str, at: float) -> None:
        """An engagement leaves its end: so does what it had pulled along."""
        for name, place in list(self.standing.places.items()):
            if name != track and place.pulled:
                self.enter(name, self.go_back_to(name), at=at)

    def _pull(self, pull: Pull, at: float, *, why: str, is_tied: bool) -> None:
        """Take the other track along. `is_tied`: it comes back when this one does."""
        place = self.standing.places.get(pull.track)
        track = self.methodology.tracks[pull.track]
        if place is None or place.state == pull.to or track.states[place.state].is_end:
            return
        comes_from_there = not pull.only_from or place.state in pull.only_from
        if comes_from_there and not self.missing(pull.track, pull.to):
            self.enter(pull.track, pull.to, at=at, pulled=is_tied)
        elif pull.say is not None:
            wanted = track.states[pull.only_from[0]].leave if pull.only_from else ()
            names = tuple(dict.fromkeys([*track.states[place.state].leave, *wanted]))
            lacks = gaps(names, self.standing, self.scene, self.methodology)
            key = f"follow:{pull.track}:{why}"
            # told each time that the engagement gets there: after opening it again, other things may lack
            times = self.standing.asked.get(key, 0) + 1
            self._asked(key, times)
            self.notices.append(CouldNotFollow(f"{key}:{times}", track.on, pull.say, lacks))

    def _move_by_itself(self, at: float) -> bool:
        for key in sorted(self.standing.declined):
            if key not in self.methodology.automatic or not self._all(self.methodology.automatic[key].when):
                self.standing = replace(self.standing, declined=self.standing.declined - {key})
        for name, place in self.standing.places.items():
            if self.is_paused(but=name):
                continue
            for key, auto in self.index.leaving[name, place.state]:
                if key in self.standing.declined or not self._all(auto.when):
                    continue
                if self._is_trusted(auto) or not self.missing(name, auto.to):
                    self.enter(name, auto.to, at=at)
                    return True
        return False

    def say_why(self) -> None:
        """The labels of automatic moves, where the cause is still there and no label says why.

        It goes by how things stand, not by the move: so it is the same however often the bot has looked. One that
        somebody took off again is not set a second time.
        """
        for auto in self.methodology.automatic.values():
            track, place = self.methodology.tracks[auto.track], self.standing.places.get(auto.track)
            if not auto.labels or place is None or place.state != auto.to or track.on not in self.scene.issues:
                continue
            keys = {label: label_key(track.on, scope_of(label) or label) for label in auto.labels}
            new = {label: key for label, key in keys.items() if self.standing.newest.get(key) != label}
            if new and not self._reasons_of(track) and self._all(auto.when):
                self.because_of.setdefault(track.on, set()).update(new)
                newest = {key: label for label, key in new.items()}
                self.standing = self.standing.but(newest={**self.standing.newest, **newest})

    def reasons_to_set(self, on: IssueKind) -> list[str]:
        """What says why the bot did something by itself, on an issue where nobody has said why."""
        wanted = self.because_of.get(on, set())
        said = (self._reasons_of(track) for _, track in self.index.tracks_on[on])
        return [] if any(reasons - wanted for reasons in said) else sorted(wanted)

    def is_paused(self, *, but: str | None = None) -> bool:
        """Whether a track (other than one) is on hold: then the whole engagement is."""
        tracks, places = self.methodology.tracks, self.standing.places
        return any(tracks[n].states[p.state].kind is Kind.HOLD for n, p in places.items() if n != but)

    def _is_trusted(self, auto: Automatic) -> bool:
        """Whether it goes by a word that counts more than our gates: a label that only certain people can set."""
        return any(self.methodology.criteria[name].set_by is not None for name in auto.when)

    def _start(self, at: float) -> bool:
        if self.is_paused():
            return False
        for name, start in self.methodology.starts.items():
            if name not in self.standing.started and self._all(start.when):
                self.standing = replace(self.standing, started=self.standing.started | {name})
                self.because(start.why)
                for pull in start.pull:
                    self._pull(pull, at, why=name, is_tied=False)
                for ask in start.ask:
                    self._ask_for(ask, 0)
                return True
        return False

    def _fall(self, at: float) -> bool:
        """What a yes had opened is left again when the yes has fallen: the document is another one now."""
        for key, name, to in self.index.yes_moves:
            place = self.standing.places.get(name)
            path = self.index.positions[name]
            if place is None or place.state not in path or self.methodology.tracks[name].states[place.state].is_end:
                continue
            if path[place.state] < path[to] or self.gate(key) not in {GateState.OPEN, GateState.FAILED}:
                continue
            held = held_back(name, place.state, self.standing, self.scene, self.methodology)
            back = self.methodology.tracks[name].path[path[to] - 1]
            while self.missing(name, back):
                back = self.methodology.tracks[name].path[path[back] - 1]
            version = self.standing.version(self.methodology.gates[key].document)
            on, wanted = self.methodology.tracks[name].on, place.state
            self.notices.append(PutBack(f"fell:{name}:{key}:{version}", on, name, wanted, None, held, is_kept=False))
            self.enter(name, back, at=at)
            return True
        return False

    def _complete_a_yes(self, at: float) -> bool:
        """A yes that was kept because others were missing moves the engagement when the last of them has come."""
        for key, name, to in self.index.yes_moves:
            place = self.standing.places.get(name)
            path = self.index.positions[name]
            if key not in self.standing.approvals or place is None or place.state not in path:
                continue
            ask_in = self.methodology.gates[key].ask_in
            if path[place.state] >= path[to] or (ask_in and place.state not in ask_in):
                continue
            if self.gate(key) is not GateState.PASSED or self.missing(name, to):
                continue
            self.enter(name, to, at=at)
            return True
        return False

    def gate(self, name: str) -> GateState:
        """How a gate stands by now."""
        return gate_state(name, self.standing, self.scene, self.methodology)

    def _ask_for_reviews(self) -> None:
        """The gates whose review is due here are asked for, once for each version, where there is one to look at.

        Who has judged the very same before is not called again just because it was sent back.
        """
        for track, place in self.standing.places.items():
            for name, gate in self.index.asking[track, place.state]:
                is_there = is_written(gate.document, self.standing, self.scene, self.methodology)
                if is_there and not (place.is_back and self._is_known_to(name, gate)):
                    if self._waits_for_answer(name, gate):
                        self._asked(name, self.standing.version(gate.document))
                    self.ask_for_review(name, gate)

    def _waits_for_answer(self, name: str, gate: Gate) -> bool:
        """Whether its holders were called to the very documents on record, and have said nothing of them yet: moving
        back and on again makes nothing new of them."""
        is_open = self.gate(name) is GateState.OPEN and gate.document in self.standing.papers
        was_called = self.standing.asked.get(called_key(name)) == self._edition(gate)
        return is_open and was_called and not self._is_known_to(name, gate)

    def _edition(self, gate: Gate) -> int:
        """A number that grows with every version of what a gate is about."""
        if gate.document is None:
            return 0
        bound = bound_papers(gate.document, self.standing, self.methodology)
        return sum(paper.version for paper in bound.values())

    def _is_known_to(self, name: str, gate: Gate) -> bool:
        """Whether what is on record is what somebody judged at a gate last."""
        approval = self.standing.approvals.get(name)
        if approval is None or gate.document is None:
            return False
        return not differences(approval.papers, bound_papers(gate.document, self.standing, self.methodology))

    def _tell_what_fell(self, since: int) -> None:
        """Whose word was about documents that say something else now hears of it, once for each word, in one comment:
        in that of what came of it, where there is one among the notices `since`."""
        fell = Fallen(tuple(self._yeses_that_fell()), tuple(self._marks_that_fell()))
        if not fell:
            return
        for number in range(since, len(self.notices)):
            notice = self.notices[number]
            if isinstance(notice, PutBack) and notice.by is None:
                self.notices[number] = replace(notice, fell=notice.fell + fell)
                return
        words: list[tuple[str, Approval | Mark]] = [*fell.yeses, *fell.marks]
        self.notices.append(YesFell(f"void:{words[0][0]}:{words[0][1].version}", self._where(), fell))

    def _where(self) -> IssueKind:
        """The issue that is about documents: the one whose gates are about them."""
        return next(
            (self.methodology.tracks[g.track].on for g in self.methodology.gates.values() if g.document is not None),
            IssueKind.SCOPING,
        )

    def _yeses_that_fell(self) -> Iterator[tuple[str, Approval]]:
        for name, approval in self.standing.approvals.items():
            gate = self.methodology.gates.get(name)
            if gate is None or gate.document is None or approval.verdict is not Verdict.PASSED:
                continue
            version = self.standing.version(gate.document)
            if approval.version == version or self._is_known_to(name, gate):
                continue
            is_new = self.ask_once(f"fell:{name}", approval.version)
            if is_new and self.standing.asked.get(name) != version:  # else the request itself says what changed
                yield name, approval

    def _marks_that_fell(self) -> Iterator[tuple[str, Mark]]:
        for name, mark in self.standing.marks.items():
            document = Document(mark.document)
            if mark.digest == digest_of(document, self.standing, self.methodology):
                continue
            now = bound_papers(document, self.standing, self.methodology)
            changes = differences(mark.papers, now)
            is_new = bool(changes) and self.ask_once(f"fell:said:{name}", mark.version)
            if is_new and any(paper.by != mark.by for _, _, paper in changes):  # else they did it themselves
                yield name, mark

    def is_asked(self, name: str) -> bool:
        """Whether the review of the present version was asked for."""
        return self.standing.asked.get(name) == self.standing.version(self.methodology.gates[name].document)

    def ask_once(self, key: str, version: int) -> bool:
        """Whether something has not been asked for this version yet; from now on it has."""
        if self.standing.asked.get(key) == version:
            return False
        self._asked(key, version)
        return True

    def waiting_for(self, name: str) -> tuple[str, ...]:
        """The gates that still hold the state back which a yes at this one moves to; none where it moves nothing."""
        moves = [(track, to) for key, track, to in self.index.yes_moves if key == name]
        return tuple(
            missing.gate
            for track, to in moves
            for missing in held_back(track, to, self.standing, self.scene, self.methodology)
        )

    def ask_for_review(self, name: str, gate: Gate, *, is_wanted: bool = False) -> None:
        """Ask the holders of a gate's role, once for each version of its document.

        `is_wanted`: somebody wants it although the process does not.
        """
        version = self.standing.version(gate.document)
        state = self.gate(name)
        if is_wanted and state is GateState.NOT_NEEDED:
            self._asked(wanted_key(name), version)
        if not self.is_asked(name) and (state is GateState.OPEN or is_wanted):
            self._asked(name, version)
            self._asked(called_key(name), self._edition(gate))
            self.standing = with_time(self.standing, asked(name), self.at)
            on = self.methodology.tracks[gate.track].on
            self.notices.append(AskedReview(f"review:{name}:{version}", on, name))

    def _ask_for(self, name: str, about: int) -> None:
        """Ask for something, once; again where another decision led to it (`about`)."""
        if self.standing.asked.get(name) == about:
            return
        is_again = name in self.standing.asked
        self._asked(name, about)
        ask = self.methodology.asks[name]
        if ask.on in self.scene.issues:
            lacks = gaps(ask.missing, self.standing, self.scene, self.methodology)
            key = f"ask:{name}:{about}" if is_again else f"ask:{name}"
            self.notices.append(AskedFor(key, ask.on, name, lacks))

    def _asked(self, name: str, version: int) -> None:
        self.standing = self.standing.but(asked={**self.standing.asked, name: version})

    def _all(self, names: Sequence[str]) -> bool:
        return all_met(names, self.standing, self.scene, self.methodology)
