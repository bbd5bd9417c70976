"""What the bot says when something was done or is asked: one short comment for each notice of the machine.

Who did something, and who is asked for something, is mentioned; all others are named as code, so that nobody is called
twice. A comment says what happened, what is missing, who can give it, and the next step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.blocks.words import joined, lines, together
from app.clock_words import clock_notice
from app.engagement import EngagementId
from app.fallen_words import fallen_in_words
from app.machine.criteria import Gap
from app.machine.gates import Missing
from app.machine.outcome import (
    AskedFor,
    AskedReview,
    ClockNear,
    ClockOver,
    CouldNotFollow,
    HowDidItEnd,
    MeetingCalled,
    MeetingCancelled,
    MovedBack,
    NotAState,
    Notice,
    NotYours,
    OfSalesforce,
    PutBack,
    RestOver,
    SentBack,
    TooEarly,
    YesFell,
)
from app.machine.papers import bound_papers
from app.machine.standing import Approval, Paper, Standing, Verdict
from app.meeting_words import meeting_notice
from app.methodology.model import Methodology
from app.methodology.process import Document, Gate, Kind, State
from app.salesforce_words import salesforce_notice
from app.status_words import (
    approval_in_words,
    changes_in_words,
    day,
    document_in_words,
    label_in_words,
    paper_in_words,
    person,
    role_in_words,
    versions_in_words,
)
from app.text import Safe, code_span, marker, mention, own
from app.ways import PUT_BY, way_in_words

MAX_MENTIONS: Final = 5
_OfOthers = ClockNear | ClockOver | RestOver | MeetingCalled | MeetingCancelled | OfSalesforce


@dataclass(frozen=True, slots=True)
class Speech:
    """What a comment is written from.

    `people`: role → user names as GitLab writes them, the requester in `account_team`. `leads`: role → whoever of them
    leads this very engagement: they are called, and not all who hold the role. `groups`: role → group paths, called
    where no people are named.
    """

    standing: Standing
    people: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    leads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    segment: str | None = None


def notice_mark(engagement: EngagementId, key: str) -> Safe:
    """The line by which a comment is found again; a marker knows neither `_` nor an end with `:`."""
    return marker("notice", f"{engagement}-{key.replace(':', '-').replace('_', '.')}")


def notice_text(notice: Notice, speech: Speech, methodology: Methodology, *, mark: Safe) -> Safe:
    """The comment on one notice, its marker line first."""
    said = _Said(speech, methodology)
    match notice:
        case PutBack():
            parts = said.put_back(notice)
        case NotYours():
            parts = said.not_yours(notice)
        case TooEarly():
            parts = said.too_early(notice)
        case NotAState():
            parts = said.not_a_state(notice)
        case AskedReview():
            parts = said.asked_review(notice)
        case AskedFor():
            parts = said.asked_for(notice)
        case HowDidItEnd():
            parts = said.how_did_it_end(notice)
        case CouldNotFollow():
            parts = said.could_not_follow(notice)
        case SentBack():
            parts = said.sent_back(notice)
        case MovedBack():
            parts = said.moved_back(notice)
        case YesFell():
            parts = said.yes_fell(notice)
        case _:
            parts = said.of_others(notice)
    return joined([mark, *parts], own("\n\n"))


def missing_gate(missing: Missing, speech: Speech, methodology: Methodology) -> Safe:
    """A gate that holds a move back, as an entry of a list: who can pass it, and how."""
    gate = methodology.gates[missing.gate]
    role = role_in_words(
        missing.role, speech.people.get(missing.role, ()), speech.groups.get(missing.role, ()), methodology
    )
    who = together(own(f"- **{missing.title}**: "), role)
    approval = speech.standing.approvals.get(missing.gate)
    said = own("")
    if approval is not None and gate.document is not None:
        said = together(own("; "), approval_in_words(approval, gate.document, speech.standing, methodology))
    if gate.labels.passed is not None:
        is_said = gate.document is None or gate.document in speech.standing.papers
        answer = _answer(missing.gate, "approve", gate.labels.passed, methodology, is_said=is_said)
        if not is_said:
            return together(who, own(", with "), answer, said, _put_first(gate, methodology))
        return together(who, own(", with "), answer, said, _request(missing.gate, gate, speech, methodology))
    proofs = [name for name in (gate.proof, gate.unless) if name is not None]
    titles = [_proof(name, methodology) for name in proofs]
    return together(who, own(". It is there when: "), joined(titles, own(", or "))) if titles else who


def _put_first(gate: Gate, methodology: Methodology) -> Safe:
    """Of a gate whose document is not on record: how it gets there, so that there is something to say yes to."""
    if gate.document is None:
        return own("")
    name = document_in_words(gate.document, methodology)
    put = code_span(f"{methodology.commands.prefix} {PUT_BY[gate.document]}")
    return together(own(f"; the {name} is not on record yet: "), put)


def _request(name: str, gate: Gate, speech: Speech, methodology: Methodology) -> Safe:
    """How a review is asked for that is due here and was not asked for, such as after a no to somebody else's gate."""
    place, standing = speech.standing.places.get(gate.track), speech.standing
    is_due = place is not None and place.state in gate.ask_in and name in methodology.verbs_of_gates
    if (
        not is_due
        or gate.document not in standing.papers
        or standing.asked.get(name) == standing.version(gate.document)
    ):
        return own("")
    asks = code_span(f"{methodology.commands.prefix} {methodology.judging(name, 'request')}")
    return together(own("; "), asks, own(" asks for it"))


def _proof(name: str, methodology: Methodology) -> Safe:
    way = way_in_words(name, methodology)
    title = own(methodology.criteria[name].title)
    return title if way is None else together(title, own(" ("), way, own(")"))


def gap_way(gap: Gap, methodology: Methodology) -> Safe:
    """How a gap is filled, to stand behind its role; and which fields or questions it is about."""
    way = way_in_words(gap.key, methodology)
    return own("") if way is None else together(own("; "), way)


def _answer(
    gate: str, verdict: str, label: str, methodology: Methodology, *, reason: str = "", is_said: bool = True
) -> Safe:
    """How somebody says yes or no: by command, or by label."""
    if gate not in methodology.verbs_of_gates or not is_said:
        return together(own("the label "), code_span(label))
    command = f"{methodology.commands.prefix} {methodology.judging(gate, verdict)}{reason}"
    return together(code_span(command), own(", or the label "), code_span(label))


@dataclass(frozen=True, slots=True)
class _Said:
    speech: Speech
    methodology: Methodology

    # -- something was done

    def put_back(self, notice: PutBack) -> Iterator[Safe]:
        track = self.methodology.tracks[notice.track]
        wanted, here = track.states[notice.wanted], self._here(notice.track)
        gates = lines(*(missing_gate(each, self.speech, self.methodology) for each in notice.missing))
        if notice.is_kept:
            yes = own(
                f"I have kept your yes, thank you. The issue stays at **{here.title}** until this is there as well:"
            )
            yield together(_address(notice.by), yes)
            yield gates
            yield own(f"Then it moves to **{wanted.title}** by itself; there is nothing else for you to do.")
            return
        if notice.by is None:
            yield from fallen_in_words(notice.fell, self.speech.standing, self.methodology)
        if notice.fell:
            again = ", ".join(each.title for each in notice.missing)
            yield own(f"The issue is back at **{here.title}**. Before **{wanted.title}** this is needed: {again}.")
            return
        back = own(f"I have put the issue back to **{here.title}**. Before ")
        yield together(_address(notice.by), back, label_in_words(wanted), own(" this has to be there:"))
        yield gates
        yield together(own("Then please set "), label_in_words(wanted), own(" again."))

    def not_yours(self, notice: NotYours) -> Iterator[Safe]:
        start = together(_address(notice.by), own("I have undone that change: "))
        if notice.own_estimate:
            yield together(start, own("nobody passes their own estimate."))
            others = [name for name in self._people(notice.role) if name.lower() != (notice.by or "").lower()]
            who = role_in_words(notice.role, others, self._groups(notice.role), self.methodology)
            yield together(own("Please ask somebody else who can: "), who, own("."))
        else:
            yield together(start, own(f"**{notice.title}** is for: "), self._role(notice.role), own("."))

    def too_early(self, notice: TooEarly) -> Iterator[Safe]:
        what = document_in_words(notice.document, self.methodology)
        yield together(
            _address(notice.by), own(f"thank you, but there is no {what} yet that **{notice.title}** could be about.")
        )
        yield own("I have taken the label off. Please set it again when there is one.")

    def not_a_state(self, notice: NotAState) -> Iterator[Safe]:
        track = self.methodology.tracks[notice.track]
        start = together(_address(notice.by), own("I have taken off a label of "), code_span(f"{track.scope}::"))
        yield together(start, own(f" that no state has. The issue stays at **{self._here(notice.track).title}**."))
        labels = [code_span(state.label) for state in track.states.values() if state.label is not None]
        yield together(own("To move it, please set one of these: "), joined(labels, own(", ")), own("."))

    def how_did_it_end(self, notice: HowDidItEnd) -> Iterator[Safe]:
        track = self.methodology.tracks[notice.track]
        closed = own(f"I see that this issue was closed, but it is still at **{self._here(notice.track).title}**.")
        asks = own("" if track.closing_asks is None else f" {track.closing_asks}")
        yield together(_address(notice.by), closed, asks)
        yield lines(*(self._way_out(state) for state in track.states.values() if state.kind is not Kind.STEP))
        yield own("If it goes on, please open the issue again.")

    def yes_fell(self, notice: YesFell) -> Iterator[Safe]:
        yield from fallen_in_words(notice.fell, self.speech.standing, self.methodology)
        if notice.fell.yeses:
            yield own("I will ask you again when it is your turn.")

    def moved_back(self, notice: MovedBack) -> Iterator[Safe]:
        here = self._here(notice.track)
        address = self._call(here.dri)
        why = together(own(": "), code_span(notice.words)) if notice.words else own(", without saying why.")
        moved = own(f" has moved this issue back to **{here.title}**")
        yield together(address, code_span(notice.by), moved, why)

    def sent_back(self, notice: SentBack) -> Iterator[Safe]:
        """Whoever leads the state hears what has to change, and how it comes before the reviewer again."""
        gate, approval = self.methodology.gates[notice.gate], self.speech.standing.approvals.get(notice.gate)
        here = self._here(gate.track)
        address = self._call(here.dri)
        by = own("somebody") if approval is None else code_span(approval.by)
        why = own(".") if approval is None or not approval.words else together(own(": "), code_span(approval.words))
        yield together(address, by, own(f" asks for changes (**{gate.title}**)"), why)
        stays = own(f"The issue is at **{here.title}**.")
        if gate.document is not None:
            put = code_span(f"{self.methodology.commands.prefix} {PUT_BY[gate.document]}")
            again = own(" puts the next version on record and asks again.")
            stays = together(stays, own(" When it is done, "), put, again)
        yield stays

    def of_others(self, notice: _OfOthers) -> Iterator[Safe]:
        """What no person did: clocks and meetings have words of their own, and so has Salesforce."""
        standing = self.speech.standing
        if isinstance(notice, OfSalesforce):
            return salesforce_notice(notice, standing, self.methodology, address_of=self._call)
        if isinstance(notice, MeetingCalled | MeetingCancelled):
            return meeting_notice(notice, standing, self.methodology)
        calendar = self.methodology.calendar_of(self.speech.segment)
        return clock_notice(notice, standing, self.methodology, calendar, call=self.request)

    # -- something is asked

    def asked_review(self, notice: AskedReview) -> Iterator[Safe]:
        gate = self.methodology.gates[notice.gate]
        yield together(own(f"**{gate.title}** – "), self.request([gate.role], gate.request or "Please review this"))
        if gate.document is not None:
            yield self._document(gate.document)
            yield from self._still_to_come(gate.document)
            yield from self._changed_since(self.speech.standing.approvals.get(notice.gate), gate.document)
        yield self._how_to_answer(notice.gate)

    def asked_for(self, notice: AskedFor) -> Iterator[Safe]:
        ask = self.methodology.asks[notice.ask]
        yield self.request(ask.roles, ask.request)
        yield from self._files()
        if ask.missing and not notice.gaps:
            yield own("Nothing is missing for it.")
        yield from self._gaps(notice.gaps)

    def _files(self) -> Iterator[Safe]:
        """The exact files that are on record: an upload is never changed."""
        held = [(name, paper) for name, paper in self.speech.standing.papers.items() if paper.file is not None]
        titles = {document.value: rules.title for document, rules in self.methodology.documents.items()}
        if held:
            yield lines(
                *(
                    together(own(f"- {titles[name]}: "), joined(paper_in_words(paper, self.methodology), own(", ")))
                    for name, paper in held
                    if name in titles
                )
            )

    def could_not_follow(self, notice: CouldNotFollow) -> Iterator[Safe]:
        name = next((name for name, track in self.methodology.tracks.items() if track.on is notice.on), None)
        address = own("") if name is None else self._call(self._here(name).dri)
        yield together(address, own(f"**{notice.say}.**"))
        yield from self._gaps(notice.gaps)
        to = None if name is None else self._next(name)
        if to is not None and not self._goes_on_by_itself(name or ""):
            yield together(own("When that is there, please move this issue on: set "), label_in_words(to), own("."))

    # -- parts

    def _goes_on_by_itself(self, track: str) -> bool:
        here = self.speech.standing.places[track].state
        return any(auto.track == track and here in auto.only_from for auto in self.methodology.automatic.values())

    def _document(self, document: Document) -> Safe:
        name = document_in_words(document, self.methodology)
        paper = self.speech.standing.papers.get(document.value)
        if paper is None:
            return own(f"The {name} is not on record yet: look for it on this issue, or ask for it here.")
        about = joined([*paper_in_words(paper, self.methodology), together(own("by "), code_span(paper.by))], own(", "))
        papers = bound_papers(document, self.speech.standing, self.methodology)
        beside = {key: each for key, each in papers.items() if key != document.value}
        also = own(f" With it: {versions_in_words(beside, self.methodology)}." if beside else "")
        return together(own(f"It is about the {name}: "), about, own("."), also)

    def _still_to_come(self, document: Document) -> Iterator[Safe]:
        """A yes that is given before everything it is bound to is on record falls when that comes: so it is said."""
        papers = self.speech.standing.papers
        bound_to = self.methodology.documents[document].bound_to
        missing = [each for each in bound_to if each not in papers and each is not document]
        if document in papers and missing:
            titles = ", ".join(document_in_words(each, self.methodology) for each in missing)
            ways = joined((code_span(f"{self.methodology.commands.prefix} {PUT_BY[m]}") for m in missing), own(", "))
            falls = own("; a yes from before it is on record falls when it comes.")
            yield together(own(f"Not on record yet: {titles} ("), ways, own(")"), falls)

    def _changes_since(self, document: Document, before: Mapping[str, Paper]) -> list[Safe]:
        now = bound_papers(document, self.speech.standing, self.methodology)
        return changes_in_words(before, now, self.methodology)

    def _changed_since(self, approval: Approval | None, document: Document) -> Iterator[Safe]:
        """What differs from what somebody said yes to before: that is what a second review has to look at."""
        changes = [] if approval is None else self._changes_since(document, approval.papers)
        if approval is not None and approval.verdict is Verdict.PASSED and changes:
            is_called = approval.by in {name for names in self.speech.people.values() for name in names[:MAX_MENTIONS]}
            said = together(code_span(approval.by) if is_called else person(approval.by), own(" on "), day(approval.at))
            about = versions_in_words(approval.papers, self.methodology, first=document)
            yield together(own("Changed since the yes of "), said, own(f" to {about}:" if about else ":"))
            yield lines(*(together(own("- "), each) for each in changes))

    def _how_to_answer(self, name: str) -> Safe:
        gate = self.methodology.gates[name]
        track, here = self.methodology.tracks[gate.track], self._here(gate.track)
        # of what is not on record a command can say nothing
        is_said = gate.document is None or gate.document in self.speech.standing.papers
        back = track.states[here.back[0]].label if here.back else None
        no = gate.labels.failed or back
        if gate.labels.passed is None:
            return own("Please answer in a comment.")
        yes = together(
            own("To say yes: "), _answer(name, "approve", gate.labels.passed, self.methodology, is_said=is_said)
        )
        if no is None:
            return together(yes, own(". If something has to change, say so in a comment."))
        reject = _answer(name, "reject", no, self.methodology, reason=" REASON", is_said=is_said)
        return together(yes, own(". To send it back: "), reject, own("."))

    def _gaps(self, gaps: Sequence[Gap]) -> Iterator[Safe]:
        if gaps:
            yield own("What is missing, and who can bring it:")
            yield lines(*(together(own("- "), self._gap(gap)) for gap in gaps))

    def _gap(self, gap: Gap) -> Safe:
        who = together(self._role(gap.owner), gap_way(gap, self.methodology))
        named = [
            self.methodology.intake_fields[key].title for key in gap.parts if key in self.methodology.intake_fields
        ]
        if not named:
            return together(own(f"{gap.title}: "), who)
        names = "; ".join(title.partition(":")[0].partition(" (")[0] for title in named)
        count = "1 field is" if len(named) == 1 else f"{len(named)} fields are"
        return together(own(f"{count} without an answer: "), who, own(f": {names}"))

    def _way_out(self, state: State) -> Safe:
        wanted = [self.methodology.criteria[name].labels for name in state.leave if state.kind is Kind.LOST]
        reasons = [code_span(label) for labels in wanted for label in labels]
        why = together(own(", and why: "), joined(reasons, own(", "))) if reasons else own("")
        return together(own(f"- {state.title}: set "), label_in_words(state), why)

    def request(self, roles: Iterable[str], request: str) -> Safe:
        """What is asked, with the holders of the roles mentioned, the first few of each."""
        called: dict[Safe, None] = {}
        not_called = []
        for role in roles:
            found = self._called(role)
            called.update(dict.fromkeys(found[:MAX_MENTIONS]))
            if not found:
                not_called.append(self._not_called(role))
        if called:
            asked = together(joined(called, own(", ")), own(f": {request}."))
            return joined([asked, *not_called], own(" "))
        return together(joined(not_called, own(" ")), own(f" I ask whoever reads this: {request}."))

    def _call(self, role: str) -> Safe:
        """Those of a role, as a comment to them begins; nothing where nobody holds it."""
        called = self._called(role)[:MAX_MENTIONS]
        return together(joined(called, own(", ")), own(": ")) if called else own("")

    def _called(self, role: str) -> list[Safe]:
        """The mentions of a role: whoever leads here, else its people, else its groups."""
        people = self.speech.leads.get(role) or self._people(role)
        return [*map(person, people)] or [*map(_group, self._groups(role))]

    def _not_called(self, role: str) -> Safe:
        rules = self.methodology.roles[role]
        if rules.access_level is not None:
            return together(own("It is for the "), self._role(role), own("."))
        return own(f"Nobody holds the role {rules.title} in the methodology.")

    def _here(self, track: str) -> State:
        return self.methodology.tracks[track].states[self.speech.standing.places[track].state]

    def _next(self, name: str) -> State | None:
        track, place = self.methodology.tracks[name], self.speech.standing.places.get(name)
        if place is None or place.state not in track.path[:-1]:
            return None
        return track.states[track.path[track.path.index(place.state) + 1]]

    def _role(self, role: str) -> Safe:
        return role_in_words(role, self._people(role), self._groups(role), self.methodology)

    def _people(self, role: str) -> tuple[str, ...]:
        return self.speech.people.get(role, ())

    def _groups(self, role: str) -> tuple[str, ...]:
        return self.speech.groups.get(role, ())


def _address(by: str | None) -> Safe:
    return own("") if by is None else together(person(by), own(", "))


def _group(path: str) -> Safe:
    """A mention of a group; its parts are named as users are."""
    try:
        return Safe("@" + "/".join(mention(part).removeprefix("@") for part in path.split("/")))
    except ValueError:
        return code_span(path)
