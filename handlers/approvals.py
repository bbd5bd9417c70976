"""Commands at the gates: request, approve, reject, and request-review; what a yes needs, and who may not give it."""

from __future__ import annotations

from app.blocks.words import joined, together
from app.errors import NotAllowed, UserError
from app.hearing import About, Hearing, When
from app.machine.gates import GateState, verdict_on
from app.machine.papers import bound_papers
from app.machine.standing import Paper, Verdict
from app.methodology.process import Document, Gate
from app.notices import MAX_MENTIONS
from app.registry import registry
from app.status_words import day, document_in_words, paper_in_words, person
from app.text import Safe, code_span, own
from app.ways import PUT_BY, box_title
from handlers.scene import ACCOUNT_TEAM


@registry.gate_command(
    "request",
    says="{gate}: ask for it, once for each version.",
    who=("em", ACCOUNT_TEAM),
    is_for_role=False,
    is_alone=False,
)
def request(hearing: Hearing, gate: str) -> None:
    """Ask the holders of the gate's role; after a no, for what has changed since."""
    hearing.words.end()
    _ask(hearing, gate)


@registry.gate_command("approve", says="{gate}: say yes to the version that is on record now.")
def approve(hearing: Hearing, gate: str) -> None:
    """A yes, kept until the others are there; it falls when anything it is bound to changes."""
    hearing.words.end()
    rules = hearing.methodology.gates[gate]
    _demand_right(hearing, gate, rules)
    course = hearing.course
    known = hearing.standing.approvals.get(gate)
    if known is not None and verdict_on(gate, hearing.standing, hearing.methodology) is Verdict.PASSED:
        by = own("you") if known.by.lower() == hearing.by.lower() else code_span(known.by)
        hearing.say(own("That was approved already, by "), by, own(" on "), day(known.at), own("."))
        return
    course.judge(gate, Verdict.PASSED, by=hearing.by, at=hearing.at)
    others = [m for m in course.waiting_for(gate) if m != gate]
    if others:
        titles = own(", ".join(hearing.methodology.gates[name].title for name in others))
        hearing.say(
            own("I have kept your yes, thank you. The issue moves on by itself when this is there too: "), titles
        )


@registry.gate_command(
    "reject",
    usage="REASON",
    says="{gate}: say no to the version that is on record now, and why.",
    examples=("the timeline leaves no room for the second wave",),
)
def reject(hearing: Hearing, gate: str) -> None:
    """A no with its reason; the track goes back where the methodology says so."""
    rules = hearing.methodology.gates[gate]
    reason = hearing.reason()
    if reason is None:
        raise UserError(own("A no needs its reason, so that somebody can work on it."), reason="no reason was given")
    _demand_right(hearing, gate, rules)
    hearing.course.judge(gate, Verdict.FAILED, by=hearing.by, at=hearing.at, words=reason)


@registry.command(
    "request-review",
    usage="[REVIEWER]",
    says="Ask a gate (`ta`), `account-team` or a person to review what is on record; with no word, whoever is due.",
    who=("em", ACCOUNT_TEAM),
    when=When.UNDER_WAY,
    about=About.SCOPING,
    examples=("", "account-team", "@tara"),
)
def request_review(hearing: Hearing) -> None:
    """The gates that are due here; where none is, the account team."""
    words = hearing.words
    who = words.peek()
    name, _ = hearing.track()
    if who is None:
        here = hearing.course.index.asking[name, hearing.standing.places[name].state]
        due = [gate for gate, _ in here if hearing.course.gate(gate) in {GateState.OPEN, GateState.FAILED}]
        for gate in due:
            _ask(hearing, gate)
        if not due:
            _ask_account_team(hearing)
        return
    verb = who.lower().replace("_", "-")
    gates = {gate.replace("_", "-"): gate for gate in hearing.methodology.verbs_of_gates}
    words.word()
    words.end()
    if verb in gates:
        _ask(hearing, gates[verb])
    elif verb == ACCOUNT_TEAM.replace("_", "-"):
        _ask_account_team(hearing)
    elif who.startswith("@"):
        _ask_person(hearing, who.removeprefix("@").rstrip(",;:."))
    else:
        known = joined((code_span(each) for each in (*gates, "account-team", "@name")), own(", "))
        raise UserError(
            together(own("I do not know whom to ask by "), code_span(who), own(". Please say one of: "), known)
        )


def _demand_right(hearing: Hearing, gate: str, rules: Gate) -> None:
    """Raises UserError where there is nothing to judge, or not by this person, or not any more."""
    document, course = rules.document, hearing.course
    if document is None:
        return
    name = document_in_words(document, hearing.methodology)
    paper = hearing.standing.papers.get(document)
    if paper is None:
        put = hearing.form(PUT_BY[document])
        nothing = own(f"There is no {name} on record yet that **{rules.title}** could be about. First: ")
        raise NotAllowed(together(nothing, put, own(".")), reason=f"there is no {name}")
    if course.is_author(hearing.by):
        others = [each for each in hearing.people.get(rules.role, ()) if each.lower() != hearing.by.lower()]
        ask = (
            together(own(" Please ask "), joined(map(code_span, others), own(" or ")), own(".")) if others else own("")
        )
        mine = own("Nobody judges their own work, and some of what is on record is yours.")
        raise NotAllowed(together(mine, ask), reason="it is their own work")
    # a comment that reaches the bot late must not be taken for a word about what came after it
    bound = bound_papers(document, hearing.standing, hearing.methodology)
    said = hearing.standing.approvals.get(gate)
    latest = max([each.at for each in bound.values()] + ([said.at] if said is not None else []))
    if int(hearing.at) < int(latest):
        newer = joined(paper_in_words(paper, hearing.methodology), own(", "))
        late = own(f"That was said before what is on record now: {name} ")
        again = own(". Please say it again if it holds for that.")
        raise NotAllowed(together(late, newer, again), reason="it was said before the version of now")
    if not course.is_asked(gate) and not _is_due(hearing, rules):
        state = hearing.state(rules.track).title
        early = own(f"It is at **{state}**, where **{rules.title}** is not asked for yet.")
        raise NotAllowed(early, reason=f"it is at {state}")


def _is_due(hearing: Hearing, rules: Gate) -> bool:
    """Whether it has come as far as the first state in which the review is asked for by itself."""
    path = hearing.course.index.positions[rules.track]
    asked_in = [path[each] for each in rules.ask_in if each in path]
    state = hearing.standing.places[rules.track].state
    return not asked_in or (state in path and path[state] >= min(asked_in))


def _ask(hearing: Hearing, gate: str) -> None:
    course, rules = hearing.course, hearing.methodology.gates[gate]
    if rules.document is not None and rules.document not in hearing.standing.papers:
        put = hearing.form(PUT_BY[rules.document])
        name = document_in_words(rules.document, hearing.methodology)
        nothing = own(f"There is no {name} on record yet to be reviewed. First: ")
        raise NotAllowed(together(nothing, put, own(".")), reason=f"there is no {name}")
    state = course.gate(gate)
    if state is GateState.PASSED:
        hearing.say(own(f"**{rules.title}** is there already."))
        return
    if state is GateState.FAILED and rules.document is not None:
        course.reopen(rules.document)
    if course.is_asked(gate):
        hearing.say(
            own(f"**{rules.title}** was asked for already, and this version is still the same: "),
            hearing.role(rules.role),
        )
        return
    course.ask_for_review(gate, rules, is_wanted=True)


def _ask_account_team(hearing: Hearing) -> None:
    """By mention of the others in the account team, once for each version of what is on the table."""
    people = hearing.people.get(ACCOUNT_TEAM, ())
    known = [name for name in people if hearing.snapshot.people.get(name)]
    others = [name for name in known if name.lower() != hearing.by.lower()]
    if not known:
        raise UserError(own("GitLab knows nobody of the account team, so there is nobody I could ask."))
    if not others:
        raise UserError(own("GitLab knows nobody of the account team but you: there is nobody else whom I could ask."))
    document, paper = _on_the_table(hearing)
    if hearing.course.ask_once(f"review:{ACCOUNT_TEAM}:{document}", hearing.standing.version(document)):
        hearing.say(_called(hearing, document, paper, others[:MAX_MENTIONS]), *_how_they_agree(hearing, document))
    else:
        hearing.say(own("The account team was asked already, and this version is still the same."))


def _how_they_agree(hearing: Hearing, document: Document) -> tuple[Safe, ...]:
    """How the account team says that it is right: by command where there is one, else by the box that says so."""
    if document is Document.ESTIMATE:
        return (own(" If it is right: "), hearing.form("agree account-team"), own("."))
    box = _box_of_review(hearing, document)
    return () if box is None else (own(f" If it is right, please tick “{box}”."),)


def _box_of_review(hearing: Hearing, document: Document) -> str | None:
    """The box that has to be ticked in the state in which a document is written, besides that it is there."""
    criteria = hearing.methodology.criteria
    states = (state for track in hearing.methodology.tracks.values() for state in track.states.values())
    written = (state for state in states if any(criteria[key].document is document for key in state.leave))
    boxes = (ref for state in written for key in state.leave if not criteria[key].fact for ref in criteria[key].ticked)
    return next((title for ref in boxes if (title := box_title(ref, hearing.methodology)) is not None), None)


def _ask_person(hearing: Hearing, username: str) -> None:
    if not hearing.snapshot.people.get(username):
        raise UserError(together(own("GitLab knows nobody called "), code_span(username), own(".")))
    document, paper = _on_the_table(hearing)
    if hearing.course.ask_once(f"review:@{username.lower()}:{document}", hearing.standing.version(document)):
        hearing.say(_called(hearing, document, paper, [username]))
    else:
        hearing.say(code_span(username), own(" was asked already, and this version is still the same."))


def _on_the_table(hearing: Hearing) -> tuple[Document, Paper]:
    """What is being worked on: the SOW where there is one, else the estimate."""
    for document in (Document.SOW, Document.ESTIMATE):
        if (paper := hearing.standing.papers.get(document)) is not None:
            return document, paper
    put = together(hearing.form(PUT_BY[Document.ESTIMATE]), own(" or "), hearing.form(PUT_BY[Document.SOW]))
    raise UserError(together(own("There is nothing on record yet to be reviewed. First: "), put, own(".")))


def _called(hearing: Hearing, document: Document, paper: Paper, names: list[str]) -> Safe:
    about = joined(paper_in_words(paper, hearing.methodology), own(", "))
    called = joined(map(person, names), own(", "))
    name = document_in_words(document, hearing.methodology)
    return together(called, own(f": please review the {name} ("), about, own(")."))
