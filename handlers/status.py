"""`/ps status`: where the engagement stands, who can open what, its clocks, and what happened last and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from app.blocks.words import joined, lines, table, together
from app.clock_words import moment_in_words
from app.engagement import Engagement
from app.hearing import About, Hearing, When
from app.machine.clocks import running
from app.machine.gates import GateState, gate_state
from app.machine.standing import Return
from app.meeting_words import names, proposed, span
from app.methodology.parts import IssueKind
from app.methodology.process import Document, Gate, Kind
from app.registry import registry
from app.status_note import StatusView, told_above_the_fold
from app.status_words import approval_in_words, day
from app.text import Safe, code_span, own
from handlers.speech import leads_of

MOST_TOLD = 8
WITHOUT_DETAILS = 3
"""Paragraphs about the other issue: where it is, its way, on whom it waits."""
MOST_ROWS = 200
SAME_TIME_S = 60
"""A comment is told of a little after it was written."""
OF_NO_INTEREST = frozenset({"the bot's own doing", "no command in it", "nothing follows from this change"})
"""Why most of what comes in is ignored: nobody wonders about these."""


@registry.command(
    "status",
    says="Say where it stands, who can open each gate, what runs until when, and what happened last and why.",
    who=(),
    when=When.ALWAYS,
    about=About.HERE,
    is_free=True,
    sees_happenings=True,
)
def status(hearing: Hearing) -> None:
    """Answers `why did nothing happen`."""
    hearing.words.end()
    if hearing.placed is None or hearing.engagement is None:
        hearing.say(hearing.not_yet_adopted())
        return
    hearing.say(own("where it stands now."))
    for kind in hearing.course.scene.issues:
        for part in _track(kind, hearing, hearing.engagement):
            hearing.say(part)
    hearing.say(lines(own("**Gates**"), own(""), *_gates(hearing)))
    if clocks := list(_clocks(hearing)):
        hearing.say(lines(own("**Until when**"), own(""), *clocks))
    if meetings := list(_meetings(hearing)):
        hearing.say(lines(own("**Meetings**"), own(""), *meetings))
    hearing.say(lines(own("**What happened last**"), own(""), *_happened(hearing)))


@registry.command(
    "status all",
    says="Say where every engagement stands.",
    who=("leadership",),
    when=When.ALWAYS,
    about=About.HERE,
    is_free=True,
    sees_pipeline=True,
)
def status_all(hearing: Hearing) -> None:
    """One row each. What only some may see is left out where more people read."""
    hearing.words.end()
    here = hearing.ledger.issues.get(hearing.on)
    is_secret = hearing.is_internal or (here is not None and here.confidential)
    shown = [each for each in hearing.snapshot.pipeline if is_secret or not _is_secret(each, hearing)]
    rows = [_row(each, hearing) for each in shown[:MOST_ROWS]]
    count = "1 engagement" if len(shown) == 1 else f"{len(shown)} engagements, the last changed first"
    hearing.say(own(f"{count}."))
    hearing.say(lines(*table(("Customer", "Issue", "State", "Since", "Waits for", "Estimate"), rows)))
    left_out = len(hearing.snapshot.pipeline) - len(shown)
    if left_out:
        hearing.say(own(f"{left_out} more are confidential: ask for them on one of their issues."))


def _is_secret(engagement: Engagement, hearing: Hearing) -> bool:
    """Whether one of its issues is confidential, as last seen, or has to be by the methodology."""
    rules = hearing.methodology.confidential
    return engagement.standing.is_confidential or (rules.pubsec_us and engagement.submission.pubsec_us)


def _track(kind: IssueKind, hearing: Hearing, engagement: Engagement) -> Iterator[Safe]:
    name = next((n for n, t in hearing.methodology.tracks.items() if t.on is kind), None)
    link = engagement.issues.get(kind)
    if name is None or name not in hearing.standing.places:
        return
    number = "" if link is None else f" (issue {link.iid})"
    yield own(f"**{hearing.methodology.tracks[name].title}**{number}")
    view = StatusView(
        engagement=engagement.id,
        on=kind,
        standing=hearing.standing,
        scene=hearing.course.scene,
        bot=hearing.snapshot.bot_name,
        people=hearing.people,
        leads=leads_of(hearing.course.scene, hearing.playbook),
    )
    told = told_above_the_fold(view, hearing.methodology)
    yield from told if kind is hearing.on else told[:WITHOUT_DETAILS]


def _gates(hearing: Hearing) -> Iterator[Safe]:
    for name, gate in hearing.methodology.gates.items():
        if gate.track in hearing.standing.places:
            yield together(own(f"- {gate.title}: "), _gate(name, gate, hearing))


def _gate(name: str, gate: Gate, hearing: Hearing) -> Safe:
    """How it stands; and who can open it where it is not open, or who has."""
    state = gate_state(name, hearing.standing, hearing.course.scene, hearing.methodology)
    approval = hearing.standing.approvals.get(name)
    if state is GateState.NOT_NEEDED:
        return own("not needed")
    if state is GateState.OPEN:
        before = f", needed before {hearing.methodology.tracks[gate.track].states[gate.before].title}"
        old = own("")
        if approval is not None and gate.document is not None:
            said = approval_in_words(approval, gate.document, hearing.standing, hearing.methodology)
            old = together(own("; "), said)
        return together(own(f"open{before}; "), hearing.role(gate.role), old)
    if approval is None or approval.version != hearing.standing.version(gate.document):
        return own("passed by what is on record")
    how = own("passed" if state is GateState.PASSED else "changes requested")
    if gate.document is None:
        return joined([how, code_span(approval.by), day(approval.at)], own(", "))
    return together(how, own("; "), approval_in_words(approval, gate.document, hearing.standing, hearing.methodology))


def _clocks(hearing: Hearing) -> Iterator[Safe]:
    issue = hearing.ledger.issues.get(IssueKind.SCOPING) or hearing.ledger.issues.get(IssueKind.INTAKE)
    if issue is not None and issue.due_date is not None and issue.is_open:
        yield own(f"- The issue is due on {issue.due_date.isoformat()}")
    calendar = hearing.methodology.calendar_of(hearing.course.scene.segment)
    for run in running(hearing.standing, hearing.methodology, calendar):
        if run.clock.warns:
            role = hearing.role(run.clock.waits_on)
            until = own(" stands still") if run.due_at is None else moment_in_words(run.due_at, calendar)
            word = own("") if run.due_at is None else own(" over since " if run.is_over else " until ")
            yield together(own(f"- {run.clock.title}:"), word, until, own("; "), role)
    for name, place in hearing.standing.places.items():
        state = hearing.methodology.tracks[name].states[place.state]
        if state.kind is Kind.HOLD:
            until = own(f" until {place.until}") if place.until else own(", with no day set")
            why = together(own(": "), code_span(place.words)) if place.words else own("")
            yield together(own("- On hold"), until, why)


def _meetings(hearing: Hearing) -> Iterator[Safe]:
    """What is on the calendar, the next one first."""
    for name, meeting in proposed(hearing.standing, hearing.methodology):
        title = hearing.methodology.meetings[name].title
        yield together(own(f"- {title}: {span(meeting)}; invited: "), names(meeting))


def _happened(hearing: Hearing) -> Iterator[Safe]:
    """What came in last, newest first, with what was decided, or why nothing was; and why it was moved back."""
    told = 0
    returns = sorted((each for each in hearing.standing.returns if each.words), key=lambda each: each.at)
    for each in hearing.snapshot.happenings:
        while returns and returns[-1].at >= each.at - SAME_TIME_S:
            yield _return(returns.pop(), hearing)
        is_under_way = each.state == "waiting" and each.reason is None  # such as this very comment
        if told == MOST_TOLD or is_under_way or (not each.because and each.reason in OF_NO_INTEREST):
            continue
        told += 1
        moment = f"{datetime.fromtimestamp(each.at, UTC):%Y-%m-%d %H:%M} UTC"
        what = joined(map(code_span, each.because), own("; ")) if each.because else code_span(each.what)
        if each.state == "dead":
            why = together(own(", given up: "), code_span(each.reason or "no reason is known"))
        elif each.state == "waiting" and each.reason:
            why = together(own(", is tried again: "), code_span(each.reason))
        elif not each.because:
            why = together(own(", nothing was done: "), code_span(each.reason or "nothing followed from it"))
        else:
            why = own("")
        yield together(own(f"- {moment}: "), what, why)
    yield from (_return(each, hearing) for each in reversed(returns))
    if not told and not hearing.standing.returns:
        yield own("- Nothing yet.")


def _return(each: Return, hearing: Hearing) -> Safe:
    states = hearing.methodology.tracks[each.track].states if each.track in hearing.methodology.tracks else {}
    came_from, to = (states[name].title if name in states else name for name in (each.came_from, each.to))
    moment = f"{datetime.fromtimestamp(each.at, UTC):%Y-%m-%d %H:%M} UTC"
    moved = own(f" moved it back from {came_from} to {to}: ")
    return together(own(f"- {moment}: "), code_span(each.by), moved, code_span(each.words or ""))


def _row(engagement: Engagement, hearing: Hearing) -> tuple[Safe, ...]:
    methodology, standing = hearing.methodology, engagement.standing
    kind = IssueKind.SCOPING if IssueKind.SCOPING in engagement.issues else IssueKind.INTAKE
    link = engagement.issues.get(kind)
    name = next((n for n, t in methodology.tracks.items() if t.on is kind and n in standing.places), None)
    paper = standing.papers.get(Document.ESTIMATE)
    worth = code_span(f"{paper.amount:,f} {paper.currency or ''}") if paper and paper.amount is not None else own("—")
    # as code: a reference would leave a system note on every one of these issues
    number = code_span(f"#{link.iid}") if link is not None else own("—")
    customer = code_span(engagement.submission.customer_name, limit_chars=60)
    if name is None:
        return (customer, number, own("—"), own("—"), own("—"), worth)
    place = standing.places[name]
    state = methodology.tracks[name].states[place.state]
    return (customer, number, own(state.title), day(place.since), own(_waits_for(name, engagement, hearing)), worth)


def _waits_for(track: str, engagement: Engagement, hearing: Hearing) -> str:
    """Whom its status note names: as it was when the engagement was last looked at."""
    waiting = engagement.standing.outlook.waits.get(track)
    return "nobody" if waiting is None else ", ".join(hearing.methodology.roles[role].title for role in waiting.roles)
