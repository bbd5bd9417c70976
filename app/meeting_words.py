"""Meetings in words: when they are, who is invited; the same in comments, in status notes and in answers."""

from __future__ import annotations

from collections.abc import Iterator

from app.blocks.words import joined, lines, together
from app.machine.meeting import Meeting
from app.machine.outcome import MeetingCalled, MeetingCancelled
from app.machine.standing import Standing
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.status_words import person
from app.text import Safe, code_span, own

MOST_CALLED = 10
"""So many of those who are invited are mentioned; more are seldom meant."""

ENDED = own(" is off, because the engagement has ended.")


def when(meeting: Meeting) -> str:
    """The moment as it was proposed, in our own words."""
    return f"{meeting.starts:%A %Y-%m-%d %H:%M} ({meeting.zone})"


def span(meeting: Meeting) -> str:
    """From when until when, on the clock of the place."""
    starts = meeting.starts
    ends = starts.fromtimestamp(starts.timestamp() + 60 * meeting.minutes, starts.tzinfo)
    until = f"{ends:%H:%M}" if ends.date() == starts.date() else f"{ends:%Y-%m-%d %H:%M}"
    return f"{starts:%A %Y-%m-%d %H:%M} to {until} ({meeting.zone})"


def names(meeting: Meeting) -> Safe:
    """Who is invited, as code."""
    return joined(map(code_span, meeting.invited), own(", ")) if meeting.invited else own("nobody yet")


def meetings_line(on: IssueKind, standing: Standing, methodology: Methodology) -> Safe | None:
    """The meetings of an issue that are proposed, for its status note; None where there is none."""
    told = [
        own(f"{methodology.meetings[name].title} {when(meeting)}")
        for name, meeting in proposed(standing, methodology)
        if methodology.meetings[name].on is on
    ]
    return together(own("**Meetings:** "), joined(told, own("; "))) if told else None


def proposed(standing: Standing, methodology: Methodology) -> list[tuple[str, Meeting]]:
    """The meetings that the methodology still knows and that are on the calendar, the next one first."""
    found = [(n, each) for n, each in standing.meetings.items() if n in methodology.meetings and each.is_ahead]
    return sorted(found, key=lambda each: each[1].starts_at or 0.0)


def meeting_notice(
    notice: MeetingCalled | MeetingCancelled, standing: Standing, methodology: Methodology
) -> Iterator[Safe]:
    """The comment that an invitation hangs on, without its marker line and without the link."""
    rules, meeting = methodology.meetings[notice.meeting], standing.meetings[notice.meeting]
    title = own(f"**{rules.title}**")
    if isinstance(notice, MeetingCancelled):
        by = together(own(" was called off by "), code_span(meeting.by), own(".")) if meeting.by else ENDED
        yield together(own(f"**{rules.title}**"), by, own(f" It was to be on {when(meeting)}."))
        yield own("Whoever has it in the calendar: this file takes it out again.")
        return
    called = joined([person(name) for name in notice.called[:MOST_CALLED]], own(", "))
    address = together(called, own(": ")) if called else own("")
    yield together(address, title, own(f" on {span(meeting)}."))
    by = together(own("Proposed by "), code_span(meeting.by), own(". Invited: "), names(meeting), own("."))
    yield together(by, own(" The file below holds the agenda; open it to have the meeting in your calendar."))
    verb = f"{methodology.commands.prefix} meeting {rules.words[0]}"
    yield lines(
        together(own("- To move it: "), code_span(f"{verb} propose DATE TIME")),
        together(own("- To call it off: "), code_span(f"{verb} cancel")),
        together(own("- When it was held: "), code_span(f"{verb} held")),
    )
