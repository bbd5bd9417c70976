"""The process as Markdown tables, for readers who do not open the file: states, gates, labels, spellings, switches.

Titles are plain words by the model; names of labels are any text, so they get through `_code` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from app.methodology.diagram import diagram
from app.methodology.model import Methodology
from app.methodology.process import Criterion, Document, Gate, Kind, Pull, Saying, State, Track, Weight
from app.methodology.salesforce import IN_WORDS
from app.methodology.timing import Counting, Moment

_COUNTED: Final = {
    Counting.HOURS: "",
    Counting.BUSINESS_DAYS: " of business days",
    Counting.BUSINESS_HOURS: " of working time",
}


def stages(methodology: Methodology) -> str:
    """The stages of the methodology with their steps."""
    rows = [
        (
            stage.title,
            _role(stage.dri, methodology),
            stage.supported_by,
            "; ".join(stage.steps.values()),
            stage.note or "",
        )
        for stage in methodology.stages.values()
    ]
    return _table(("stage", "led by", "with", "steps", "note"), rows)


def tracks(methodology: Methodology) -> str:
    """A heading, a picture and a table of states for each track."""
    parts = []
    for name, track in methodology.tracks.items():
        rows = [_state_row(name, key, track, methodology) for key in track.states]
        heads = ("state", "label", "step", "led by", "before it is left", "gates before it", "Salesforce", "on entry")
        asks = f" Somebody closes the issue early: *{track.closing_asks}*" if track.closing_asks else ""
        reopened = f"After an end it is reopened by: {_role(track.reopened_by, methodology)}.{asks}"
        where = f"On the {track.on} issue, in the label scope {_code(track.scope + '::')}. {reopened}"
        picture = f"```mermaid\n{diagram(name, methodology)}```"
        parts.append(f"### {track.title}\n\n{where}\n\n{picture}\n\n{_table(heads, rows)}")
    return "\n".join(parts)


def gates(methodology: Methodology) -> str:
    """Who says yes to what, before which state, and what happens without."""
    rows = [
        (
            gate.title,
            _role(gate.role, methodology),
            _state(gate.track, gate.before, methodology),
            "blocks" if gate.weight is Weight.BLOCK else "warns",
            _list(methodology.documents[each].title for each in _bound_to(gate, methodology)),
            "" if gate.sends_back is None else _state(gate.track, gate.sends_back, methodology),
            _conditions(gate, methodology),
            *(_code(label) for label in (gate.labels.asked, gate.labels.passed, gate.labels.failed)),
        )
        for gate in methodology.gates.values()
    ]
    heads = (
        "gate",
        "who",
        "before",
        "without it",
        "a yes is bound to",
        "a no goes back to",
        "when, and what else counts as a yes",
        "asked",
        "passed",
        "sent back",
    )
    return _table(heads, rows)


def _bound_to(gate: Gate, methodology: Methodology) -> tuple[Document, ...]:
    return () if gate.document is None else methodology.documents[gate.document].bound_to


def criteria(methodology: Methodology) -> str:
    """What should be so, who can bring it about, and by which signs it is known."""
    rows = [
        (each.title, _role(each.owner, methodology), _signs(each, methodology))
        for each in methodology.criteria.values()
    ]
    return _table(("what should be so", "who", "known by any of"), rows)


def readiness(methodology: Methodology) -> str:
    """What must be true before people are scheduled."""
    rows = [(item.title, _role(item.owner, methodology)) for item in methodology.readiness.values()]
    return _table(("readiness", "who"), rows)


def moves(methodology: Methodology) -> str:
    """What the bot moves, and begins, by itself."""
    rows = [
        (
            methodology.tracks[move.track].title,
            _list(_title(move.track, name, methodology) for name in move.only_from),
            _title(move.track, move.to, methodology),
            _all_of(move.when, methodology),
        )
        for move in methodology.automatic.values()
    ]
    begins = [
        (start.why, _all_of(start.when, methodology), _begins(start.pull, start.ask, methodology))
        for start in methodology.starts.values()
    ]
    return "\n".join(
        [
            _table(("track", "from", "to", "as soon as"), rows),
            _table(("begins once", "as soon as", "what"), begins) if begins else "",
        ]
    )


def asks(methodology: Methodology) -> str:
    """Who is asked for what by mention."""
    rows = [
        (
            ask.on.value,
            _list(_role(role, methodology) for role in ask.roles),
            ask.request,
            _list(methodology.criteria[name].title for name in ask.missing),
        )
        for ask in methodology.asks.values()
    ]
    return _table(("issue", "who", "request", "lists what is missing of"), rows)


def clocks(methodology: Methodology) -> str:
    """Who has how long for what, and what follows."""
    rows = [
        (
            clock.title,
            clock.on.value,
            f"{clock.hours} h{_COUNTED[clock.counts]}",
            _list(_moment(each, methodology) for each in clock.begins),
            _list(_moment(each, methodology) for each in clock.ends),
            _role(clock.waits_on, methodology),
            "" if clock.escalates_to is None else _role(clock.escalates_to, methodology),
            "" if clock.then is None else f"{clock.then.after_hours} h later: {_place(clock.then.to, methodology)}",
        )
        for clock in methodology.clocks.values()
    ]
    return _table(("clock", "issue", "time", "from", "until", "waits for", "also told when late", "and then"), rows)


def labels(methodology: Methodology) -> str:
    """Every label, with the families last."""
    known = {**methodology.labels, **methodology.label_families}
    rows = [
        (
            _code(name),
            _code(label.colour),
            _cell(label.description),
            ", ".join(label.on),
            "optional" if label.optional else "yes",
        )
        for name, label in known.items()
    ]
    return _table(("label", "colour", "meaning", "issue", "always there"), rows)


def spellings(methodology: Methodology) -> str:
    """What is corrected to what."""
    rows = [
        (_code(name), _code(written.means) or "no label", written.why)
        for name, written in methodology.spellings.items()
    ]
    return _table(("written", "becomes", "why"), rows)


def switches(methodology: Methodology) -> str:
    """Disputed points with all their readings."""
    rows = []
    for name, switch in methodology.switches.items():
        for option, reading in switch.options.items():
            first = option == next(iter(switch.options))
            mark = "in force" if option == switch.chosen else ""
            rows.append(
                (_code(name) if first else "", switch.about if first else "", _code(option), reading.about, mark)
            )
    return _table(("switch", "what it settles", "option", "meaning", ""), rows)


def roles(methodology: Methodology) -> str:
    """Each role and what it does in the process."""
    rows = []
    for key, role in methodology.roles.items():
        led = [
            f"{track.title}: {state.title}"
            for track in methodology.tracks.values()
            for state in track.states.values()
            if state.dri == key
        ]
        passes = [gate.title for gate in methodology.gates.values() if gate.role == key]
        rows.append((_code(key), role.title, _list(led), _list(passes)))
    return _table(("role", "who", "leads", "passes"), rows)


def _state_row(track_name: str, key: str, track: Track, methodology: Methodology) -> tuple[str, ...]:
    state = track.states[key]
    before = [
        gate.title if gate.weight is Weight.BLOCK else f"{gate.title} (warns)"
        for gate in methodology.gates.values()
        if (gate.track, gate.before) == (track_name, key)
    ]
    return (
        state.title,
        _code(state.label) or "none",
        state.step,
        _role(state.dri, methodology),
        _list(methodology.criteria[name].title for name in state.leave),
        _list(before),
        _list(_cell(stage) for stage in state.sfdc),
        _entry(state, methodology),
    )


def _entry(state: State, methodology: Methodology) -> str:
    told = _begins(state.on_enter.pull, state.on_enter.ask, methodology)
    closes = "the issue is closed" if state.on_enter.close else ""
    remembers = "the state it left is remembered" if state.kind is Kind.HOLD else ""
    quarter = "the quarter's label is set" if state.on_enter.quarter else ""
    requested = _list(IN_WORDS[matter] for matter in state.on_enter.request)
    asks = f"asked for in Salesforce: {requested}" if requested else ""
    return _list(part for part in (closes, quarter, remembers, told, asks) if part)


def _begins(pulls: Iterable[Pull], asked: Iterable[str], methodology: Methodology) -> str:
    parts = []
    for pull in pulls:
        only = _list(_title(pull.track, name, methodology) for name in pull.only_from)
        moved = f"{methodology.tracks[pull.track].title} goes to {_title(pull.track, pull.to, methodology)}"
        parts.append(f"{moved} (from {only})" if only else moved)
    for name in asked:
        ask = methodology.asks[name]
        parts.append(f"{', '.join(_role(role, methodology) for role in ask.roles)}: {ask.request}")
    return _list(parts)


def _conditions(gate: Gate, methodology: Methodology) -> str:
    parts = []
    if gate.above is not None:
        parts.append(f"only above {methodology.money.currency} {gate.above:,}")
    if gate.not_for_sku:
        parts.append("not for catalogue orders")
    if gate.unless is not None:
        parts.append(f"not needed when: {methodology.criteria[gate.unless].title}")
    if gate.document is not None:
        parts.append(f"for each version of the {_document(gate)}")
    if gate.proof is not None:
        parts.append(f"passed when: {methodology.criteria[gate.proof].title}")
    return _list(parts)


def _document(gate: Gate) -> str:
    return {"sow": "SOW"}.get(str(gate.document), str(gate.document))


_SAID = {
    Saying.CUSTOMER_AGREES: "the customer agrees",
    Saying.ACCOUNT_TEAM_AGREES: "the account team agrees",
    Saying.FINANCE_APPROVED: "Finance has approved it",
    Saying.LEGAL_STAMPED: "Legal has stamped it",
    Saying.CUSTOMER_SIGNED: "the customer has signed",
    Saying.GITLAB_SIGNED: "GitLab has signed",
}
_FACTS = {
    "assignee": "an assignee",
    "segment": "a segment label",
    "questions": "no required question is open",
    "intake_fields": "no intake field is missing",
    "readiness": "every item of the readiness",
    "estimate": "an estimate on record",
    "sow": "a SOW on record",
    "cogs": "a cost sheet on record",
    "legal_case": "a legal case on record",
}


def _signs(criterion: Criterion, methodology: Methodology) -> str:
    parts = [_FACTS[criterion.fact]] if criterion.fact else []
    for group, _, item in _parted(criterion.ticked):
        words = methodology.readiness[item].title if group == "readiness" else methodology.stages[group].steps[item]
        parts.append(f"ticked: {words}")
    if criterion.field:
        parts.append(f"intake field: {methodology.intake_fields[criterion.field].title}")
    by = f", set by {_role(criterion.set_by, methodology)}" if criterion.set_by else ""
    parts += [f"label {_code(label)}{by}" for label in criterion.labels]
    parts += [f"state {_state(track, state, methodology)}" for track, _, state in _parted(criterion.states)]
    if criterion.said:
        parts.append(f"said by command: {' and '.join(_SAID[each] for each in criterion.said)}")
    return _list(parts)


def _parted(places: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    return (place.partition(".") for place in places)


def _all_of(names: Iterable[str], methodology: Methodology) -> str:
    return _list(methodology.criteria[name].title for name in names)


def _role(key: str, methodology: Methodology) -> str:
    return methodology.roles[key].title


def _title(track: str, state: str, methodology: Methodology) -> str:
    return methodology.tracks[track].states[state].title


def _state(track: str, state: str, methodology: Methodology) -> str:
    return f"{methodology.tracks[track].title}: {_title(track, state, methodology)}"


def _place(name: str, methodology: Methodology) -> str:
    track, _, state = name.partition(".")
    return _state(track, state, methodology)


def _moment(moment: Moment, methodology: Methodology) -> str:
    """What starts or stops a clock; it is exactly one of these."""
    match moment:
        case Moment(begun=True):
            return "it begins"
        case Moment(active=True):
            return "anybody does or says anything"
        case Moment(touched=str(role)):
            return f"first word or deed of: {_role(role, methodology)}"
        case Moment(entered=str(state)):
            return f"comes to {_place(state, methodology)}"
        case Moment(left=str(state)):
            return f"leaves {_place(state, methodology)}"
        case Moment(set=str(label)):
            return f"{_code(label)} is set"
        case Moment(unset=str(label)):
            return f"{_code(label)} is taken off"
        case Moment(recorded=Document() as document):
            return f"on record: {methodology.documents[document].title}"
        case Moment(said=Saying() as saying):
            return f"said: {saying.value.replace('_', ' ')}"
        case Moment(asked=str(gate)):
            return f"asked: {methodology.gates[gate].title}"
        case Moment(judged=str(gate)):
            return f"judged: {methodology.gates[gate].title}"
        case _:
            return f"filled: {methodology.intake_fields[str(moment.filled)].title}"


def _list(parts: Iterable[str]) -> str:
    return "<br>".join(parts)


def _code(name: str | None) -> str:
    """A name as it is written, safe in a cell even with a bar or a backtick in it."""
    if name is None:
        return ""
    fence = "``" if "`" in name else "`"
    blank = " " if "`" in name else ""
    return f"{fence}{blank}{_cell(name)}{blank}{fence}"


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    lines += [f"| {' | '.join(cells)} |" for cells in rows]
    return "\n".join(lines) + "\n"
