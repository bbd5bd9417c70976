"""A meeting that was proposed, moved or called off: its invitation as a file on the issue, and as mail to each invited.

No mail goes out of an engagement that is confidential in GitLab, unless the methodology says that it may.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from app.actions import AttachDocument, HandOver
from app.agendas import fill_agenda
from app.answer_table import answers_in
from app.blocks.case import service_titles
from app.blocks.words import joined, lines, together
from app.engagement import Engagement
from app.events import Source
from app.invitation import FILE_TYPE, Contact, Invitation, Method, as_calendar, uid_of
from app.issue_text import Playbook
from app.letter import Letter, short_name
from app.machine.meeting import Meeting, MeetingState
from app.machine.outcome import MeetingCalled, MeetingCancelled
from app.machine.scene import Scene
from app.machine.standing import Standing
from app.meeting_words import span, when
from app.methodology.meetings import MeetingRules
from app.methodology.parts import IssueKind
from app.notices import notice_mark
from app.ports import Issue
from app.snapshot import Snapshot
from app.text import Safe, code_span, own, plain
from handlers.speech import leads_of, notice_body

KIND = "psplan_letter"
"""Kind of the delivery that holds a letter."""
BOT = "PS Plan Bot"
_INERT = str.maketrans({"<": "‹", ">": "›"})
"""Some calendars take a description for HTML."""


@dataclass(frozen=True, kw_only=True)
class MeetingNews:
    """What is known when the news of a meeting is told; `before`: the standing before it."""

    notice: MeetingCalled | MeetingCancelled
    engagement: Engagement
    before: Standing
    scene: Scene
    issues: Mapping[IssueKind, Issue]
    snapshot: Snapshot
    playbook: Playbook

    @cached_property
    def meeting(self) -> Meeting:
        """As it stands now."""
        return self.engagement.standing.meetings[self.notice.meeting]

    @cached_property
    def rules(self) -> MeetingRules:
        """What the methodology says of it."""
        return self.playbook.methodology.meetings[self.notice.meeting]

    @cached_property
    def earlier(self) -> Meeting | None:
        """The same invitation as it was on the calendar before."""
        found = self.before.meetings.get(self.notice.meeting)
        return found if found is not None and found.is_ahead and found.number == self.meeting.number else None

    @cached_property
    def target(self) -> IssueKind:
        """The issue that it is told on."""
        return self.notice.on if self.notice.on in self.scene.issues else next(iter(self.scene.issues))

    @cached_property
    def may_be_mailed(self) -> bool:
        """Whether mail may go out at all."""
        is_open = not self.engagement.standing.is_confidential or self.playbook.methodology.mail.confidential
        return self.playbook.mail_from is not None and is_open

    @cached_property
    def mailed(self) -> Mapping[str, str]:
        """User name → address, of the invited who get mail."""
        return self.addresses(self.meeting.invited)

    def addresses(self, people: tuple[str, ...]) -> dict[str, str]:
        """User name → address, of those who have one; of nobody where no mail may go out."""
        found = {name: self._address_of(name) for name in people} if self.may_be_mailed else {}
        # many mail servers take no others
        return {name: address for name, address in found.items() if address is not None and address.isascii()}

    def _address_of(self, username: str) -> str | None:
        submission = self.engagement.submission
        is_requester = username.lower() == submission.requester_gitlab_username.lower()
        given = submission.requester_email if is_requester else None
        return self.playbook.methodology.mail.address_of(username, given=given or None)


def told_of(news: MeetingNews) -> Iterator[AttachDocument]:
    """The comment with the file."""
    document = f"meeting:{news.notice.meeting}:{news.meeting.number}"
    mark = notice_mark(news.engagement.id, document)
    words = notice_body(news.notice, news.engagement, news.scene, news.snapshot, news.playbook, mark=mark)
    of_mail = _words_of_mail(news)
    yield AttachDocument(
        key=f"{news.engagement.id}:{news.notice.key}",
        role=news.target,
        document=document,
        marker=mark,
        body=(Safe(words.removeprefix(mark).strip("\n")), *(() if of_mail is None else (own("\n\n"), of_mail))),
        file_name=f"{news.rules.words[0]}.ics",
        content_type=FILE_TYPE,
        content=as_calendar(_invitation(news)),
    )


def letters_of(news: MeetingNews) -> Iterator[HandOver]:
    """A mail to everybody who is invited; whoever is not any more has it taken out of the calendar."""
    invitation = _invitation(news)
    for name, address in news.mailed.items():
        yield _letter(news, invitation, name, address)
    if news.earlier is not None:
        gone = tuple(name for name in news.earlier.invited if name not in news.meeting.invited)
        for name, address in news.addresses(gone).items():
            off = replace(invitation, method=Method.CANCEL, attendees=(Contact(name, f"mailto:{address}"),))
            yield _letter(news, off, name, address)


def _invitation(news: MeetingNews) -> Invitation:
    meeting, sender = news.meeting, news.playbook.mail_from
    link = news.engagement.issues.get(news.target)
    url = "" if link is None else link.web_url
    method = Method.REQUEST if news.mailed else Method.PUBLISH
    return Invitation(
        uid=uid_of(news.engagement.id, news.notice.meeting, meeting.number),
        sequence=meeting.sequence,
        method=Method.CANCEL if meeting.state is MeetingState.CANCELLED else method,
        stamped_at=meeting.at,
        starts_at=meeting.starts.timestamp(),
        zone=meeting.zone,
        minutes=meeting.minutes,
        title=f"{news.rules.title}: {plain(news.engagement.submission.customer_name, limit_chars=120)}",
        agenda=fill_agenda(news.playbook.agendas[news.rules.agenda], _values(news, url)),
        url=url,
        organizer=Contact(BOT, news.snapshot.project if sender is None else f"mailto:{sender}"),
        attendees=tuple(Contact(name, f"mailto:{address}") for name, address in news.mailed.items()),
        is_confidential=news.engagement.standing.is_confidential,
    )


def _values(news: MeetingNews, url: str) -> dict[str, str]:
    """What the placeholders of an agenda stand for."""
    submission, methodology = news.engagement.submission, news.playbook.methodology
    intake = news.issues.get(IssueKind.INTAKE)
    fields = {} if intake is None else answers_in(intake.description)
    leads = leads_of(news.scene, news.playbook).get(methodology.routing.triage_role, ())
    given = {
        **{key: value for key, value in fields.items() if key in methodology.intake_fields},
        "meeting": news.rules.title,
        "when": span(news.meeting),
        "minutes": str(news.meeting.minutes),
        "customer": submission.customer_name,
        "services": service_titles(submission, methodology),
        "requester": submission.requester_gitlab_username,
        "em": ", ".join(leads),
        "proposed_by": news.meeting.by or BOT,
        "invited": ", ".join(news.meeting.invited),
        "issue": url,
    }
    return {key: plain(value).translate(_INERT) for key, value in given.items()}


def _words_of_mail(news: MeetingNews) -> Safe | None:
    """Who gets it by mail, and who does not and why; None where the service sends none."""
    if news.playbook.mail_from is None or not news.meeting.invited:
        return None
    if not news.may_be_mailed:
        return own("Nobody gets it by mail: this engagement is confidential.")
    without = [name for name in news.meeting.invited if name not in news.mailed]
    told = []
    if news.mailed:
        told.append(together(own("By mail to: "), joined(map(code_span, news.mailed), own(", ")), own(".")))
    if without:
        told.append(together(own("No address is known of: "), joined(map(code_span, without), own(", ")), own(".")))
    return lines(*told)


def _letter(news: MeetingNews, invitation: Invitation, name: str, address: str) -> HandOver:
    is_off = invitation.method is Method.CANCEL
    verb = "Cancelled" if is_off else "Invitation" if news.earlier is None else "Changed"
    text = [f"{invitation.title}\n{span(news.meeting)}"]
    if is_off:
        text.append("This meeting is off, or you are not invited to it any more: it can be taken out of the calendar.")
    else:
        text.append(f"Proposed by {news.meeting.by}.\n\n{invitation.agenda}")
    key = f"{news.engagement.id}:{news.notice.key}:{short_name(address)}"
    letter = Letter(
        key=key,
        to=address,
        subject=f"{verb}: {invitation.title}, {when(news.meeting)}",
        text="\n\n".join([*text, invitation.url]).strip() + "\n",
        calendar=as_calendar(invitation).decode(),
        method=invitation.method.value,
        file_name="invite.ics",
        at=news.meeting.at,
        engagement=news.engagement.id,
        issue=news.target.value,
        name=name,
    )
    return HandOver(
        key=key,
        source=Source.MAIL.value,
        lane=f"mail:{news.engagement.id}:{short_name(address)}",
        what=KIND,
        body=letter.to_record(),
    )
