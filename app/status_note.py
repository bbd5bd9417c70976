"""What the status note of an issue says: where it stands, on whom it waits, what is missing, what to do next.

Three rules surprise:

* Nobody is mentioned in it, and labels are code: the note is edited often, and each edit would be live again.
* It speaks of dates only, never of "3 days ago": so it changes only when something happened.
* What happens on the other track changes nothing in it, but for a pause and the stage of the engagement: one event
  edits one note.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from app.blocks.words import joined, lines, table, together
from app.clock_words import clocks_line
from app.engagement import EngagementId
from app.machine.criteria import Gap, gaps
from app.machine.gates import GateState
from app.machine.papers import is_stale
from app.machine.standing import Paper, Place, Standing, Verdict, Waiting
from app.meeting_words import meetings_line
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.methodology.process import Document, Fact, Gate, Kind, State, Weight
from app.status_view import Stand, StatusView, stand_of, waiting_on, waits
from app.status_words import (
    SAID_OF,
    approval_in_words,
    day,
    label_in_words,
    paper_in_words,
    role_in_words,
    versions_in_words,
)
from app.text import Safe, code_span, link, marker, own
from app.ways import way_in_words

__all__ = ["StatusView", "Waiting", "status_mark", "status_note", "waiting_on"]

MAX_FIELDS: Final = 8
_NOTHING: Final = Safe("—")
_IN_A_PART_OF_ITS_OWN: Final = frozenset({Fact.INTAKE_FIELDS, Fact.READINESS})


def status_mark(engagement: EngagementId, on: IssueKind) -> Safe:
    """The line by which the note is found again."""
    return marker("status", f"{engagement}-{on}")


def status_note(view: StatusView, methodology: Methodology) -> Safe:
    """The note's text; the signed record goes behind it, after a blank line."""
    at = stand_of(view.on, view.standing, view.scene, methodology)
    mark = status_mark(view.engagement, view.on)
    return _blocks([mark, *told_above_the_fold(view, methodology), *_details(at, view, methodology)])


def told_above_the_fold(view: StatusView, methodology: Methodology) -> list[Safe]:
    """Where an issue stands, in a few paragraphs: the part of the note that everybody reads."""
    at = stand_of(view.on, view.standing, view.scene, methodology)
    if at is None:
        return [own("This issue has no states of its own.")]
    if at.state.is_end:
        return list(_ended(at, view))
    return list(_on_hold(at) if at.state.kind is Kind.HOLD else _under_way(at, view))


# -- what the note says in each case


def _under_way(at: Stand, view: StatusView) -> Iterator[Safe]:
    yield together(_headline(at), own(", since "), day(at.place.since))
    yield _path(at)
    if at.returned is not None:
        came_from = at.track.states[at.returned.came_from].title
        why = together(own(": "), code_span(at.returned.words)) if at.returned.words else own("")
        yield together(own(f"**Moved back** from {came_from} by "), code_span(at.returned.by), why)
    if at.pause is not None:
        yield from _paused(at, at.pause)
        return
    yield _waiting_line(at, view)
    calendar = at.methodology.calendar_of(at.scene.segment)
    if (clocks := clocks_line(view.on, at.standing, at.methodology, calendar)) is not None:
        yield clocks
    if (meetings := meetings_line(view.on, at.standing, at.methodology)) is not None:
        yield meetings
    if (missing := _missing(at)) is not None:
        yield missing
    rest = [gap for gap in at.open_before if not _has_its_own_part(gap, at)]
    if rest:
        yield together(own("**Open from before:** "), joined([_gap(gap, at) for gap in rest], own("; ")))
    if view.on is IssueKind.INTAKE:
        yield from _intake(at)
    if steps := list(_next_steps(at)):
        yield own("**Next:**")
        yield lines(*steps)


def _on_hold(at: Stand) -> Iterator[Safe]:
    back = at.track.states[at.place.left or at.track.start]
    title = f"**{at.state.title}: {at.state.step}** ({at.track.title}), since "
    until = own(f", until {at.place.until}") if at.place.until else own("")
    why = together(own(": "), code_span(at.place.words)) if at.place.words else own("")
    yield together(own(title), day(at.place.since), until, why)
    yield together(own("**Waiting on:** nobody while it is on hold. It was at "), own(f"**{back.title}**."))
    yield own("**Next:**")
    resume = together(
        own("- To resume: "), _command("resume", at), own(", or take the label "), label_in_words(at.state)
    )
    yield lines(together(resume, own(f" off; it goes back to {back.title}.")), *_side_moves(at), _more(at))


def _paused(at: Stand, pause: Place) -> Iterator[Safe]:
    """The engagement is on hold, by the other issue: so nothing goes on here either."""
    until = own(f", until {pause.until}") if pause.until else own(", with no day set")
    why = together(own(": "), code_span(pause.words)) if pause.words else own("")
    yield together(own("**On hold:** the engagement rests since "), day(pause.since), until, why)
    yield own("**Waiting on:** nobody while it is on hold.")
    yield own("**Next:**")
    yield lines(together(own("- To resume: "), _command("resume", at)), _more(at))


def _ended(at: Stand, view: StatusView) -> Iterator[Safe]:
    why = together(own(": "), code_span(at.place.words)) if at.place.words else own("")
    yield together(own(f"**{at.state.title}: {at.state.step}** ({at.track.title}), on "), day(at.place.since), why)
    if at.gaps:
        yield together(own("**Still missing:** "), joined([_gap(gap, at) for gap in at.gaps], own("; ")))
    role = _role(at.track.reopened_by, view, at.methodology)
    back = at.track.states[at.place.left or at.track.start]
    again = own(f", or reopen the issue; it goes back to {back.title}. That is for the ")
    yield together(own("**To open it again:** "), _command("resume", at), again, role, own("."))


def _headline(at: Stand) -> Safe:
    stages = list(at.methodology.stages)
    stage = at.methodology.stages[at.stage]
    number = f"tage {stages.index(at.stage) + 1} of {len(stages)}, {stage.title}"
    if at.stage == at.state.stage:
        return own(f"**S{number}: {at.state.step}** ({at.state.title})")
    return own(f"**{at.track.title}: {at.state.step}** ({at.state.title}); the engagement is at s{number}")


def _path(at: Stand) -> Safe:
    path = at.track.path
    here = path.index(at.place.state)
    signs = ["✓" if each < here else "●" if each == here else "○" for each in range(len(path))]
    return own(" → ".join(f"{sign} {at.track.states[name].title}" for sign, name in zip(signs, path, strict=True)))


def _waiting_line(at: Stand, view: StatusView) -> Safe:
    waiting = waits(at)
    if waiting is None:
        return own("**Waiting on:** nobody; this is the last state.")
    roles = [_lead(role, view, at.methodology) for role in waiting.roles]
    what = own(f": {waiting.what[0]}") if len(waiting.what) == 1 else own("")
    return together(own("**Waiting on:** "), _and(roles), own(" since "), day(waiting.since), what)


def _missing(at: Stand) -> Safe | None:
    if at.next is None:
        return None
    title = at.track.states[at.next].title
    is_open = {name: gate for name, gate in at.needed.items() if at.gate(name) is not GateState.PASSED}
    proofs = {gate.proof for gate in at.needed.values()}
    rest = [gap for gap in at.gaps if gap.key not in proofs and not _has_its_own_part(gap, at)]
    found = [*(_open_gate(name, gate, at) for name, gate in is_open.items()), *(_gap_with_way(gap, at) for gap in rest)]
    passed = [gate.title for name, gate in at.needed.items() if gate.before == at.next and name not in is_open]
    there = [own(f"- Already there: {', '.join(passed)}")] if passed else []
    if not found:
        if any(_has_its_own_part(gap, at) for gap in at.gaps):
            return None
        return lines(own(f"**Missing for {title}:** nothing"), *([own(""), *there] if there else []))
    hint = " (what is bold holds the move back)" if at.holding else ""
    items = (together(own("- "), each) for each in found)
    return lines(own(f"**Missing for {title}:**{hint}"), own(""), *items, *there)


def _open_gate(name: str, gate: Gate, at: Stand) -> Safe:
    title = f"**{gate.title}**" if gate.weight is Weight.BLOCK else gate.title
    approval = at.standing.approvals.get(name)
    said = own("")
    if approval is not None and approval.verdict is Verdict.FAILED and gate.document is not None:
        said = together(own("; "), approval_in_words(approval, gate.document, at.standing, at.methodology))
    who = together(own(f"{title}: {_gate_word(name, at)} ({at.methodology.roles[gate.role].title}"), said)
    if at.can_be_requested(name):
        ask = _command(at.methodology.judging(name, "request"), at)
        who = together(who, own("; "), ask, own(" asks for it"))
    return together(who, own(")") if gate.proof is None else _way(gate.proof, at))


def _gap_with_way(gap: Gap, at: Stand) -> Safe:
    """What is missing, who can bring it, and how."""
    return together(own(f"{gap.title} ({at.methodology.roles[gap.owner].title}"), _way(gap.key, at))


def _way(key: str, at: Stand) -> Safe:
    """How something is brought, and what it takes along; with the end of the bracket."""
    way, voids = way_in_words(key, at.methodology), at.voids(key)
    how = own(")") if way is None else together(own("; "), way, own(")"))
    return together(how, own(f", which voids: {', '.join(voids)}")) if voids else how


def _gap(gap: Gap, at: Stand) -> Safe:
    return own(f"{gap.title} ({at.methodology.roles[gap.owner].title})")


def _has_its_own_part(gap: Gap, at: Stand) -> bool:
    """Whether the intake's note lists it in more detail."""
    criterion = at.methodology.criteria.get(gap.key)
    is_readiness = gap.key.startswith("readiness.")
    return at.track.on is IssueKind.INTAKE and (
        is_readiness or (criterion is not None and criterion.fact in _IN_A_PART_OF_ITS_OWN)
    )


def _intake(at: Stand) -> Iterator[Safe]:
    """Fields without an answer, the first in short, and what is not ready for scheduling."""
    missing = at.scene.fields_missing
    if missing:
        more = [own(f"and {len(missing) - MAX_FIELDS} more")] if len(missing) > MAX_FIELDS else []
        shown = [_field(key, at.methodology) for key in missing[:MAX_FIELDS]]
        yield together(own("**Fields to fill:** "), joined([*shown, *more], own("; ")))
    named = [name for name, criterion in at.methodology.criteria.items() if criterion.fact is Fact.READINESS]
    unready = [
        gap
        for gap in gaps(named[:1], at.standing, at.scene, at.methodology)
        if at.methodology.readiness[gap.key.removeprefix("readiness.")].fact is not Fact.INTAKE_FIELDS
    ]
    if unready:
        head = own("**Not ready for scheduling** (each has a box above):")
        yield lines(head, own(""), *(together(own("- "), _gap(g, at)) for g in unready))


def _field(key: str, methodology: Methodology) -> Safe:
    known = methodology.intake_fields.get(key)
    return code_span(key) if known is None else own(known.title.partition(":")[0].partition(" (")[0])


# -- what can be done next


def _next_steps(at: Stand) -> Iterator[Safe]:
    """The one list of what can be done: answers to reviews, the way on, other ways."""
    said_by_move = None
    for name in at.holding:
        gate = at.gates[name]
        if gate.labels.passed is not None:
            title = at.methodology.roles[gate.role].title
            yield together(own(f"- {gate.title} ({title}): "), _answers(name, gate, at))
            if at.track.by_label.get(gate.labels.passed) == at.next:
                said_by_move = name
    if at.next is not None and said_by_move is None:
        yield _way_on(at, at.track.states[at.next])
    yield from _side_moves(at)
    yield _more(at)


def _answers(name: str, gate: Gate, at: Stand) -> Safe:
    """How a gate is answered: by command where people judge it, and by its labels."""
    labels = [code_span(label) for label in (gate.labels.passed, gate.labels.failed) if label is not None]
    is_there = gate.document is None or gate.document in at.standing.papers
    if name not in at.methodology.verbs_of_gates or not is_there:
        return together(own("label "), joined(labels, own(" or ")))  # of what is not on record a command says nothing
    yes = _command(at.methodology.judging(name, "approve"), at)
    no = _command(f"{at.methodology.judging(name, 'reject')} REASON", at)
    return together(yes, own(" or "), no, own(" (or label "), joined(labels, own(" or ")), own(")"))


def _way_on(at: Stand, to: State) -> Safe:
    way = together(own(f"- To {to.title}: "), _command("next", at), own(" (or label "), label_in_words(to), own(")"))
    for auto in at.methodology.automatic.values():
        if auto.track == at.name and auto.to == at.next and at.place.state in auto.only_from:
            titles = "; ".join(at.methodology.criteria[name].title for name in auto.when)
            return together(way, own(f", or by itself as soon as: {titles}"))
    when = ", when what is bold is there" if at.holding else ", even if something is missing" if at.gaps else ""
    return together(way, own(when))


def _side_moves(at: Stand) -> Iterator[Safe]:
    back = [(at.track.states[name], "back") for name in at.state.back[:1]]
    aside = [
        (state, SAID_OF.get(state.kind, f"stage {(state.label or name).rpartition('::')[2]}"))
        for name, state in at.track.states.items()
        if state.kind not in {Kind.STEP, Kind.WON} and state is not at.state
    ]
    moves = [together(own(f"{state.title} "), _command(command, at)) for state, command in (*back, *aside)]
    if moves:
        yield together(own("- Or else: "), joined(moves, own(", ")))


def _more(at: Stand) -> Safe:
    return together(own("- More: "), _command("help", at), own(", "), _command("status", at))


def _command(command: str, at: Stand) -> Safe:
    return code_span(f"{at.methodology.commands.prefix} {command}")


# -- the part that is folded away


MADE_FROM_ESTIMATE: Final = frozenset({Document.SOW, Document.COGS})


def _details(at: Stand | None, view: StatusView, methodology: Methodology) -> Iterator[Safe]:
    """Folded away. The blank lines make GitLab read Markdown inside, and then commands too: so all is ours or code."""
    yield Safe("<details>\n<summary>Gates, documents, links</summary>")
    if at is not None and at.gates:
        rows = [(own(gate.title), own(_gate_word(name, at)), _who(name, gate, at)) for name, gate in at.gates.items()]
        yield lines(*table(("Gate", "State", "Who"), rows))
    is_alone = IssueKind.SCOPING not in view.scene.issues
    papers = sorted(view.standing.papers.items()) if view.on is IssueKind.SCOPING or is_alone else []
    links = [
        *(_paper(name, paper, view.standing, methodology) for name, paper in papers),
        *_others(at, view, methodology),
    ]
    if view.opportunity_url is not None:
        url = link(view.opportunity_url, "services opportunity", allowed_hosts=methodology.link_hosts)
        known = view.standing.opportunity
        stage = own("") if known is None or known.stage is None else together(own(" at "), code_span(known.stage))
        links.append(together(own("Salesforce: "), url, stage))
    yield lines(
        *(together(own("- "), each) for each in links),
        together(own("- "), code_span(view.bot), own(" keeps this note up to date; what is written into it is lost.")),
    )
    yield Safe("</details>")


def _gate_word(name: str, at: Stand) -> str:
    match at.gate(name):
        case GateState.NOT_NEEDED:
            return "not needed"
        case GateState.PASSED:
            return "passed"
        case GateState.FAILED:
            return "changes requested"
        case GateState.OPEN:
            return "asked for" if at.is_asked(name) else "open"


def _who(name: str, gate: Gate, at: Stand) -> Safe:
    """Who said what of which version; else who can say it."""
    approval, state = at.standing.approvals.get(name), at.gate(name)
    if state is GateState.NOT_NEEDED:
        return _NOTHING
    is_present = approval is not None and approval.version == at.standing.version(gate.document)
    if state is GateState.PASSED and not is_present:
        return own("by what is on record")
    if approval is None:
        return own(at.methodology.roles[gate.role].title)
    if gate.document is not None and (state is not GateState.PASSED):
        return approval_in_words(approval, gate.document, at.standing, at.methodology)
    about = versions_in_words(approval.papers, at.methodology, first=gate.document)
    return joined([code_span(approval.by), day(approval.at), *([own(about)] if about else [])], own(", "))


def _paper(name: str, paper: Paper, standing: Standing, methodology: Methodology) -> Safe:
    document = next((key for key in methodology.documents if key == name), None)
    title = None if document is None else methodology.documents[document].title
    parts = [*paper_in_words(paper, methodology), code_span(paper.by), day(paper.at)]
    if document in MADE_FROM_ESTIMATE and is_stale(document, standing):
        parts.append(own(f"**stale**: it goes with version {paper.of} of the estimate"))
    return together(code_span(name) if title is None else own(title), own(": "), joined(parts, own(", ")))


def _others(at: Stand | None, view: StatusView, methodology: Methodology) -> Iterator[Safe]:
    """Where the other track is, and not how it stands: so this note keeps still when that one moves."""
    if view.other_iid is None:
        return
    titles = [track.title for name, track in methodology.tracks.items() if at is None or name != at.name]
    number = Safe(f"{view.other_iid}")
    yield together(own(f"{titles[0] if len(titles) == 1 else 'The other issue'} (#"), number, own(")"))


def _lead(role: str, view: StatusView, methodology: Methodology) -> Safe:
    """A role, and whoever of its holders leads here."""
    people = view.leads.get(role) or view.people.get(role, ())
    return role_in_words(role, people, methodology.roles[role].groups, methodology)


def _role(role: str, view: StatusView, methodology: Methodology) -> Safe:
    return role_in_words(role, view.people.get(role, ()), methodology.roles[role].groups, methodology)


def _and(parts: Sequence[Safe]) -> Safe:
    *first, last = parts
    return together(joined(first, own(", ")), own(" and "), last) if first else last


def _blocks(parts: Sequence[Safe]) -> Safe:
    return Safe("\n\n".join(part.strip("\n") for part in parts))
