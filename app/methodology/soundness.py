"""What is wrong with a process though every name in it leads somewhere: dead ends, circles, gates that nobody can pass.

Only for a methodology without dangling names. People move an issue by its label, so every state with a label of its own
can be reached and left by hand; what is judged here is what would go wrong without anybody being told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.layers import Found, Where
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.methodology.process import Criterion, Fact, Gate, Kind, Track, Weight

_Node = tuple[str, str]
"""Track and state."""

OF_THE_SUBMISSION = "account_team"
"""This role is held by the people whom the submission names."""


def unsound(methodology: Methodology) -> Found:
    """Where the process cannot work, and why."""
    yield from _money_and_switches(methodology)
    yield from _criteria(methodology)
    yield from _labels_of_tracks(methodology)
    for name, track in methodology.tracks.items():
        yield from _states(("tracks", name, "states"), track)
    for name, gate in methodology.gates.items():
        yield from _gate(name, gate, methodology)
    yield from _automatic(methodology)
    yield from _circles(methodology)
    yield from _spellings(methodology)
    yield from _meetings(methodology)
    yield from ((("salesforce", *path), words) for path, words in methodology.salesforce.contradictions())


def unheld(methodology: Methodology) -> Found:
    """Roles that nobody holds though a gate can be passed by nobody else: no fault, a team fills in its people."""
    for name, role in methodology.roles.items():
        if name == OF_THE_SUBMISSION or role.users or role.groups or role.access_level is not None:
            continue
        waiting = [gate.title for gate in methodology.gates.values() if gate.role == name and gate.proof is None]
        if waiting:
            yield ("roles", name), f"is held by nobody, so nobody can pass: {', '.join(waiting)}"


def _money_and_switches(methodology: Methodology) -> Found:
    money = methodology.money
    if money.rates[money.currency] != 1:
        yield ("money", "rates", money.currency), "is the methodology's own currency; its rate must be 1"
    for name, switch in methodology.switches.items():
        for option, rules in switch.options.items():
            if "switches" in rules.changes:
                place = ("switches", name, "options", option, "changes", "switches")
                yield place, "an option cannot change switches"


def _criteria(methodology: Methodology) -> Found:
    if "readiness" in methodology.stages:
        yield ("stages", "readiness"), "this name is taken: `readiness.item` is an item of the readiness"
    for name, criterion in methodology.criteria.items():
        if not criterion.has_sign:
            stuck = [gate for gate, rules in methodology.gates.items() if rules.proof == name]
            so = f", so nothing passes the gate {stuck[0]!r}" if stuck else ""
            yield (
                ("criteria", name),
                f"nothing can ever meet it{so}; give it one of: fact, ticked, field, labels, states, said",
            )
        if criterion.set_by is not None and _has_sign_of_anybody(criterion):
            place: Where = ("criteria", name, "set_by")
            yield (
                place,
                "only of labels is known who set them; with it a criterion has no fact, ticked, field, states or said",
            )
    for name, item in methodology.readiness.items():
        if item.fact is Fact.READINESS:
            others = ", ".join(fact for fact in Fact if fact is not Fact.READINESS)
            yield (
                ("readiness", name, "fact"),
                f"an item of the readiness cannot wait for the readiness; allowed: {others}",
            )


def _has_sign_of_anybody(criterion: Criterion) -> bool:
    """Whether something meets it of which nobody knows whose doing it was."""
    return bool(criterion.fact or criterion.ticked or criterion.field or criterion.states or criterion.said)


def _labels_of_tracks(methodology: Methodology) -> Found:
    scopes: dict[str, str] = {}
    held: dict[str, str] = {}
    for track_name, track in methodology.tracks.items():
        path: Where = ("tracks", track_name)
        other = scopes.setdefault(track.scope.casefold(), track_name)
        if other != track_name:
            yield (*path, "scope"), f"is the scope of the track {other!r} already"
        for name, state in track.states.items():
            here = (*path, "states", name, "label")
            if state.label is None:
                if name != track.start:
                    yield (
                        here,
                        f"is missing: only the first state ({track.start}) may be without, no other could be reached",
                    )
                continue
            # GitLab takes all before the last :: for the scope
            if state.label.rpartition("::")[0] != track.scope:
                yield here, f"{state.label!r} is not in the scope of the track; allowed: {track.scope}::…"
            owner = held.setdefault(state.label, f"{track_name}.{name}")
            if owner != f"{track_name}.{name}":
                yield here, f"{state.label!r} is the label of {owner} already"
            yield from _on(here, state.label, track.on, methodology)


def _on(path: Where, label: str, kind: IssueKind, methodology: Methodology) -> Found:
    if kind not in methodology.labels[label].on:
        allowed = ", ".join(methodology.labels[label].on)
        yield path, f"{label!r} does not stand on the {kind} issue; by its `on` it is allowed on: {allowed}"


def _states(path: Where, track: Track) -> Found:
    if track.states[track.start].kind is not Kind.STEP:
        yield (*path, track.start, "kind"), "the first state is where an issue begins; allowed: step"
    if not any(state.is_end for state in track.states.values()):
        yield path, "none of them is an end; give one of them the kind won, lost or cancelled"
    elif track.closing_asks is not None and track.of_kind(Kind.WON) != track.of_kind(Kind.LOST):
        for kind in (Kind.WON, Kind.LOST):  # neither is well: such a track can only be cancelled
            if track.of_kind(kind) is None:
                yield path, f"lack a state of kind {kind}, though `closing_asks` asks for it"
    won = track.of_kind(Kind.WON)
    for name in track.path[track.path.index(won) + 1 :] if won is not None else ():
        yield (
            (*path, name),
            f"stands behind {won!r}, the end of the way; name it behind the state that it follows",
        )
    first = track.of_kind(Kind.HOLD)
    for name, state in track.states.items():
        if state.kind is Kind.HOLD and name != first:
            yield (*path, name, "kind"), f"{first!r} is the hold of this track already; one is enough"


def _gate(name: str, gate: Gate, methodology: Methodology) -> Found:
    path: Where = ("gates", name)
    track = methodology.tracks[gate.track]
    behind = track.path[1:]
    if gate.before == track.start:
        yield (*path, "before"), f"nothing comes before the first state; allowed: {', '.join(behind)}"
    elif gate.before not in behind:
        kind = track.states[gate.before].kind
        yield (
            (*path, "before"),
            f"{gate.before!r} is a state of kind {kind}, off the path; allowed: {', '.join(behind)}",
        )
    elif gate.weight is Weight.BLOCK and gate.labels.passed is None:
        if gate.proof is None:
            yield path, "nobody could ever pass it: it needs `labels.passed` or `proof`"
        elif _comes_too_late(methodology.criteria[gate.proof], gate, track):
            yield (*path, "proof"), f"nobody could ever pass it: {gate.proof!r} is met only behind this gate"
    answers = {answer: getattr(gate.labels, answer) for answer in ("asked", "passed", "failed")}
    seen: dict[str, str] = {}
    for answer, label in answers.items():
        if label is not None:
            if seen.setdefault(label, answer) != answer:
                yield (*path, "labels", answer), f"{label!r} says {seen[label]} already"
            yield from _on((*path, "labels", answer), label, track.on, methodology)


def _comes_too_late(proof: Criterion, gate: Gate, track: Track) -> bool:
    """Whether a criterion has no sign but states that lie at or behind the gate."""
    if proof.fact or proof.ticked or proof.field or proof.labels or proof.said or not proof.states:
        return False
    closed = {f"{gate.track}.{state}" for state in track.path[track.path.index(gate.before) :]}
    return closed.issuperset(proof.states)


def _automatic(methodology: Methodology) -> Found:
    for name, move in methodology.automatic.items():
        path = methodology.tracks[move.track].path
        for index, state in enumerate(move.only_from):
            if _goes_back(path, state, move.to):
                ahead = ", ".join(before for before in path if not _goes_back(path, before, move.to)) or "none"
                place: Where = ("automatic", name, "from", index)
                yield (
                    place,
                    f"from {state!r} to {move.to!r} is not forward, and only people move back; allowed: {ahead}",
                )


def _goes_back(path: tuple[str, ...], state: str, to: str) -> bool:
    if state == to:
        return True
    return state in path and to in path and path.index(to) < path.index(state)


def _circles(methodology: Methodology) -> Found:
    """Moves that bring each other about without end: told once, at one of them."""
    arrows = _arrows(methodology)
    done: set[_Node] = set()
    for node in arrows:
        for circle in _circle_from(node, arrows, done):
            states = " → ".join(f"{track}.{state}" for track, state in [*circle, circle[0]])
            yield arrows[circle[0]][circle[1 % len(circle)]], f"goes round in a circle without end: {states}"


def _arrows(methodology: Methodology) -> Mapping[_Node, Mapping[_Node, Where]]:
    """Entered state → states that are then entered without a person, and where the file says so."""
    found: dict[_Node, dict[_Node, Where]] = {}
    for name, move in methodology.automatic.items():
        path = methodology.tracks[move.track].path
        for state in move.only_from:
            if not _goes_back(path, state, move.to):
                found.setdefault((move.track, state), {})[(move.track, move.to)] = ("automatic", name)
    for track_name, track in methodology.tracks.items():
        for name, entered in track.states.items():
            for index, pull in enumerate(entered.on_enter.pull):
                place: Where = ("tracks", track_name, "states", name, "on_enter", "pull", index)
                found.setdefault((track_name, name), {})[(pull.track, pull.to)] = place
    return found


def _circle_from(
    start: _Node, arrows: Mapping[_Node, Mapping[_Node, Where]], done: set[_Node]
) -> Iterator[tuple[_Node, ...]]:
    """Circles met on a walk from a state that no walk has passed yet."""
    if start in done:
        return
    way = [start]
    open_arrows = [iter(arrows.get(start, {}))]
    while way:
        following = next(open_arrows[-1], None)
        if following is None:
            done.add(way.pop())
            open_arrows.pop()
        elif following in way:
            yield tuple(way[way.index(following) :])
        elif following not in done:
            way.append(following)
            open_arrows.append(iter(arrows.get(following, {})))


def _spellings(methodology: Methodology) -> Found:
    of_states = {
        state.label: f"{track_name}.{name}"
        for track_name, track in methodology.tracks.items()
        for name, state in track.states.items()
    }
    for spelling in methodology.spellings:
        if spelling in methodology.labels:
            so = f"; the state {of_states[spelling]} could never be reached" if spelling in of_states else ""
            yield ("spellings", spelling), f"is a label of this file and would always be taken away{so}"


def _meetings(methodology: Methodology) -> Found:
    """Words and fields that two meetings claim, and fields that another command fills."""
    words: dict[str, str] = {}
    fields: dict[str, str] = {}
    for name, rules in methodology.meetings.items():
        for index, word in enumerate(rules.words):
            owner = words.setdefault(word, name)
            if owner != name or rules.words.index(word) != index:
                yield ("meetings", name, "words", index), f"{word!r} is a word of {owner!r} already"
        if rules.field is None:
            continue
        path: Where = ("meetings", name, "field")
        owner = fields.setdefault(rules.field, name)
        if owner != name:
            yield path, f"{rules.field!r} is the field of {owner!r} already"
        elif (command := methodology.intake_fields[rules.field].written_by) is not None:
            yield path, f"{rules.field!r} is filled by the command {command!r} already"
    for name, field in methodology.intake_fields.items():
        if (field.written_by or "").partition(" ")[0] == "meeting":
            yield ("intake_fields", name, "written_by"), "of a meeting `field` of its block in `meetings` says this"
