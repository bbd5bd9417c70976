"""What is said of an engagement in the chat: the head of its thread, and one message below it for each notification.

Where it stands is read from the engagement as it is now, so a message that is written late says nothing that is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.chat_message import Called, ChatMessage, ChatText, Choice
from app.clock_words import local_moment
from app.engagement import Engagement
from app.machine.clocks import running
from app.machine.gates import verdict_on
from app.machine.papers import digest_of
from app.machine.standing import Approval, Paper, Verdict
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.methodology.process import Gate
from app.methodology.telling import Notification
from app.slack_text import SlackSafe, foreign, is_address, joined, link, own, together, words
from app.status_words import day

ROOT: Final = "root"
"""The topic of the head of a thread."""
MOST_CALLED: Final = 5
_ISSUES: Final = {IssueKind.SCOPING: "Scoping issue", IssueKind.INTAKE: "Intake issue"}


@dataclass(frozen=True, slots=True)
class Telling:
    """What a message is written from. `people`: role → the users who hold it here, as far as they are known by name.

    `has_buttons`: what is pressed reaches us.
    """

    engagement: Engagement
    methodology: Methodology
    people: Mapping[str, Sequence[str]] = field(default_factory=dict)
    has_buttons: bool = False

    def root(self) -> ChatMessage:
        """The head of the thread: whose engagement it is, where it stands, who leads it."""
        return ChatMessage((self._title(), *self._stands(), *self._issues()))

    def elsewhere(self) -> ChatMessage:
        """In place of what was said in a channel that may not be told of this engagement any more."""
        return ChatMessage(((own("_This engagement is not told of here any more._"),),))

    def notification(self, rules: Notification, *, has_head: bool) -> ChatMessage:
        """Something happened. `has_head`: it stands below the head of a thread."""
        said = self._said(rules)
        about = [] if rules.on.document is None else self._paper(rules.on.document.value)
        why = [] if rules.on.sent_back is None else self._why(rules.on.sent_back)
        head = () if has_head else (self._title(),)
        return ChatMessage((*head, (*said, *about, *why)), url=self._url(rules))

    def request(
        self, rules: Notification, *, version: int, is_latest: bool, has_head: bool
    ) -> tuple[ChatMessage, bool]:
        """A yes at a gate was asked for; and whether it still is. `version`: the serial it was first asked for."""
        name = rules.on.asked or ""
        gate = self.methodology.gates.get(name)
        head = () if has_head else (self._title(),)
        if gate is None:
            return ChatMessage((*head, (own("_This is not asked for any more._"),))), False
        standing = self.engagement.standing
        about = [] if gate.document is None else self._paper(gate.document.value)
        title = together(own("*"), words(gate.title), own("*"))
        approval = standing.approvals.get(name)
        now = standing.version(gate.document)
        is_answered = approval is not None and (
            approval.version == version or (is_latest and verdict_on(name, standing, self.methodology) is not None)
        )
        if approval is not None and is_answered:
            return ChatMessage((*head, (title, own(" – "), *self._answer(approval))), url=self._url(rules)), False
        if not is_latest or standing.asked.get(name) != now or self._is_over(gate):
            over = own(" – overtaken: this is not asked for any more")
            return ChatMessage((*head, (title, over)), url=self._url(rules)), False
        choice = None
        if self.has_buttons and gate.document is not None:
            digest = digest_of(gate.document, standing, self.methodology)
            choice = Choice(self.engagement.id, name, now, digest)
        line: ChatText = (title, own(" – "), *self._said(rules), *about)
        how = () if choice is not None else ((self._how(name),),)
        return ChatMessage((*head, line, *how), choice=choice, url=self._url(rules)), True

    def clock(self, rules: Notification, name: str, *, has_head: bool) -> ChatMessage | None:
        """The time that a clock gives is nearly over, or is; None where it does not run any more."""
        standing, methodology = self.engagement.standing, self.methodology
        calendar = methodology.calendar_of(standing.outlook.segment)
        run = next((each for each in running(standing, methodology, calendar) if each.name == name), None)
        if run is None or run.due_at is None:
            return None
        said = self._said(rules, roles_told(rules, f"{rules.on.name}:{name}", methodology))
        until = own(f"{'since' if rules.on.clock_over else 'until'} {local_moment(run.due_at, calendar)}")
        about: ChatText = (*said, own(" – *"), words(run.clock.title), own("* "), until)
        head = () if has_head else (self._title(),)
        return ChatMessage((*head, about, (words(run.clock.request),)), url=self._url(rules))

    # -- parts

    def _title(self) -> ChatText:
        """A confidential engagement outside of the public sector's own channel has no customer."""
        submission, standing = self.engagement.submission, self.engagement.standing
        if standing.is_confidential and not submission.pubsec_us:
            return (own("*A confidential engagement*"),)
        name = foreign(submission.customer_name, limit_chars=150)
        url = next((link.web_url for link in self.engagement.issues.values()), "")
        return (own("*"), link(url, name), own("*"))

    def _stands(self) -> Iterator[ChatText]:
        standing, methodology = self.engagement.standing, self.methodology
        for name, place in standing.places.items():
            track = methodology.tracks.get(name)
            if track is not None and place.state in track.states:
                yield (words(track.title), own(": *"), words(track.states[place.state].title), own("*"))
        leads = standing.outlook.leads
        title = words(self._title_of(methodology.routing.triage_role))
        led_by = _listed([foreign(name, limit_chars=100) for name in leads]) if leads else own("nobody yet")
        yield (title, own(": "), led_by)

    def _issues(self) -> Iterator[ChatText]:
        links = [
            link(each.web_url, own(f"{_ISSUES[kind]} {each.iid}")) for kind, each in self.engagement.issues.items()
        ]
        if links:
            yield (joined(links, own(" · ")),)

    def _said(self, rules: Notification, roles: Iterable[str] | None = None) -> list[SlackSafe | Called]:
        called = self._called(rules.roles if roles is None else roles)
        between: list[SlackSafe | Called] = []
        for number, each in enumerate(called):
            between += [own(", "), each] if number else [each]
        return [*between, own(": ") if between else own(""), words(rules.text)]

    def _called(self, roles: Iterable[str]) -> list[Called]:
        submission = self.engagement.submission
        emails = {submission.requester_gitlab_username.lower(): submission.requester_email}
        found: dict[str, Called] = {}
        for role in roles:
            for name in list(self.people.get(role, ()))[:MOST_CALLED]:
                found.setdefault(name.lower(), Called(name, emails.get(name.lower())))
        return list(found.values())

    def _paper(self, document: str) -> list[SlackSafe]:
        paper = self.engagement.standing.papers.get(document)
        return [] if paper is None else [own(" ("), joined(_about(paper), own(", ")), own(")")]

    def _why(self, name: str) -> list[SlackSafe]:
        approval = self.engagement.standing.approvals.get(name)
        if approval is None or approval.verdict is not Verdict.FAILED:
            return []
        return [own(" – "), *self._answer(approval)]

    def _answer(self, approval: Approval) -> list[SlackSafe]:
        is_yes = approval.verdict is Verdict.PASSED
        word = own("approved by " if is_yes else "sent back by ")
        why = [own(": "), foreign(approval.words, limit_chars=500)] if approval.words else []
        return [word, foreign(approval.by, limit_chars=100), own(f" on {day(approval.at)}"), *why]

    def _how(self, name: str) -> SlackSafe:
        prefix = self.methodology.commands.prefix
        yes = self.methodology.judging(name, "approve") if name in self.methodology.verbs_of_gates else None
        return own("Please answer on the issue.") if yes is None else words(f"To say yes, comment {prefix} {yes}")

    def _is_over(self, gate: Gate) -> bool:
        place = self.engagement.standing.places.get(gate.track)
        track = self.methodology.tracks.get(gate.track)
        if place is None or track is None or place.state not in track.states:
            return True
        return track.states[place.state].is_end

    def _url(self, rules: Notification) -> str | None:
        issues = self.engagement.issues
        on = IssueKind.SCOPING
        if rules.on.state is not None:
            on = self.methodology.tracks[rules.on.state.partition(".")[0]].on
        held = issues.get(on) or next(iter(issues.values()), None)
        return held.web_url if held is not None and is_address(held.web_url) else None

    def _title_of(self, role: str) -> str:
        held = self.methodology.roles.get(role)
        return role if held is None else held.title


def roles_told(rules: Notification, occasion: str, methodology: Methodology) -> tuple[str, ...]:
    """Whose holders a notification calls by name; of a clock, first those that it waits for."""
    clock = methodology.clocks.get(occasion.partition(":")[2]) if rules.on.is_of_a_clock else None
    if clock is None:
        return rules.roles
    above = (clock.escalates_to,) if rules.on.clock_over and clock.escalates_to is not None else ()
    return tuple(dict.fromkeys((clock.waits_on, *above, *rules.roles)))


def _about(paper: Paper) -> Iterator[SlackSafe]:
    yield own(f"version {paper.version}")
    if paper.amount is not None:
        yield foreign(f"{paper.amount:,f} {paper.currency or ''}".strip(), limit_chars=60)
    yield together(own("by "), foreign(paper.by, limit_chars=100))


def _listed(names: Iterable[SlackSafe]) -> SlackSafe:
    return joined(names, own(", "))
