"""The command `meeting`: proposed, moved, called off, or held; which there are, the methodology says.

A meeting that is proposed again is moved; what is not said again (minutes, guests) stays as it was.
"""

from __future__ import annotations

from dataclasses import replace

from app.blocks.words import joined, together
from app.commands import times
from app.errors import NotAllowed, UserError
from app.hearing import About, Hearing, When
from app.machine.meeting import Meeting, MeetingState
from app.machine.outcome import MeetingCalled, MeetingCancelled
from app.meeting_words import when
from app.methodology.meetings import LONGEST_MIN, SHORTEST_MIN, MeetingRules
from app.methodology.parts import IssueKind
from app.registry import registry
from app.status_words import person
from app.text import Safe, code_span, own
from handlers.answers import write
from handlers.invited import is_known, who_is_invited
from handlers.lateness import claim, overtaken
from handlers.names import meant, no_such

VERBS = ("propose", "cancel", "held")
MOST_GUESTS = 20


@registry.command(
    "meeting",
    usage="NAME propose DATE TIME [ZONE] [MINUTES] [with @USER …], NAME cancel, or NAME held [DATE]",
    says="Propose a meeting (or move it), with an invitation and its agenda for the calendar; call it off; or say that "
    "it was held, without a date today.",
    who=("pm", "em", "pc"),
    when=When.NOT_ENDED,
    about=About.INTAKE,
    examples=(
        "pm-intro held",
        "transition held 2026-11-20",
        "prep propose 2099-01-12 15:00",
        "scoping-call propose 12 Jan 2099 2:30pm America/New_York 45 with @dana",
    ),
)
def meeting(hearing: Hearing) -> None:
    """What it is about comes first, then what is to become of it."""
    hearing.demand_engagement()
    name, rules = _named(hearing)
    verb = hearing.words.take(VERBS)
    if verb == "propose":
        _propose(name, rules, hearing)
    elif verb == "cancel":
        _cancel(name, rules, hearing)
    elif verb == "held":
        _held(name, rules, hearing)
    else:
        said = hearing.words.peek()
        not_that = own("") if said is None else together(own(", not "), code_span(said))
        raise UserError(together(own("Behind the meeting I need `propose`, `cancel` or `held`"), not_that, own(".")))


def _propose(name: str, rules: MeetingRules, hearing: Hearing) -> None:
    before = hearing.standing.meetings.get(name)
    present = before if before is not None and before.is_ahead else None
    day, at = hearing.words.needed_day(), times.needed_time(hearing.words)
    zone = times.zone(hearing.words) or hearing.methodology.time_zone
    minutes = _minutes(hearing) or (rules.minutes if present is None else present.minutes)
    guests = _guests(hearing) or (() if present is None else present.guests)
    starts = times.moment(day, at, zone)
    if starts.timestamp() <= hearing.at:
        raise UserError(own(f"{starts:%Y-%m-%d %H:%M} ({zone}) has passed: a meeting is proposed for later."))
    invited = who_is_invited(rules, guests, hearing)
    fresh = Meeting(
        state=MeetingState.PROPOSED,
        by=hearing.by,
        at=hearing.at,
        starts_at=starts.timestamp(),
        zone=zone,
        minutes=minutes,
        invited=invited,
        guests=guests,
    )
    if present is not None and _is_same(present, fresh):
        hearing.say(own(f"that is how it stands already: **{rules.title}** on {when(present)}."))
        return
    _claim(name, rules, hearing)
    made = _numbered(fresh, before)
    _keep(name, made, hearing)
    called = tuple(each for each in invited if is_known(each, hearing) and each.lower() != hearing.by.lower())
    hearing.course.notices.append(MeetingCalled(made.key(name), rules.on, name, called))
    hearing.course.because(f"proposed: {name}")
    if present is not None:
        hearing.say(_moved(rules, present, made, called))
    if not invited:
        hearing.say(own("Nobody is named for it yet: say who with `with @user`."))


def _cancel(name: str, rules: MeetingRules, hearing: Hearing) -> None:
    hearing.words.end()
    present = hearing.standing.meetings.get(name)
    if present is None or not present.is_ahead:
        so = "was called off already" if present is not None and present.state is MeetingState.CANCELLED else None
        raise NotAllowed(own(f"**{rules.title}** {so or 'is not proposed, so there is nothing to call off'}."))
    _claim(name, rules, hearing)
    gone = present.called_off(by=hearing.by, at=hearing.at)
    _keep(name, gone, hearing)
    hearing.course.notices.append(MeetingCancelled(gone.key(name), rules.on, name))
    hearing.course.because(f"called off: {name}")
    called = [person(n) for n in present.invited if is_known(n, hearing) and n.lower() != hearing.by.lower()]
    address = together(joined(called, own(", ")), own(": ")) if called else own("")
    hearing.say(address, own(f"**{rules.title}** on {when(present)} is off."))


def _held(name: str, rules: MeetingRules, hearing: Hearing) -> None:
    """Into the field of that meeting, where it has one; and it is on the calendar no more."""
    day = hearing.words.needed_day() if hearing.words else hearing.today
    hearing.words.end()
    if day > hearing.today:
        raise UserError(together(code_span(day.isoformat()), own(" is still to come: say it when it was held.")))
    if rules.field is not None:
        write(hearing, (IssueKind.INTAKE,), rules.field, day.isoformat())
    if not claim(hearing, f"meeting:{name}"):
        if rules.field is None:
            raise _overtaken(rules)
        return  # it is proposed anew since: the day stands in its field, and the calendar stays
    before = hearing.standing.meetings.get(name)
    made = Meeting(state=MeetingState.HELD, by=hearing.by, at=hearing.at)
    if before is not None:
        made = replace(before, state=made.state, by=made.by, at=made.at)
    _keep(name, replace(made, held_on=day.isoformat()), hearing)
    hearing.course.because(f"held: {name}")


def _named(hearing: Hearing) -> tuple[str, MeetingRules]:
    """The meeting that the next word names. Raises UserError."""
    known = {word: name for name, rules in hearing.methodology.meetings.items() for word in rules.words}
    word = hearing.words.word()
    found = None if word is None else meant(word, known)
    if found is None:
        raise no_such("meeting", word, [rules.words[0] for rules in hearing.methodology.meetings.values()])
    return known[found], hearing.methodology.meetings[known[found]]


def _minutes(hearing: Hearing) -> int | None:
    found = times.minutes(hearing.words)
    if found is not None and not SHORTEST_MIN <= found <= LONGEST_MIN:
        raise UserError(own(f"A meeting takes {SHORTEST_MIN} to {LONGEST_MIN} minutes."))
    return found


def _guests(hearing: Hearing) -> tuple[str, ...]:
    """Whom the words name behind `with`. Raises UserError for what else stands there."""
    if hearing.words.take({"with"}) is None:
        hearing.words.end()
        return ()
    found: dict[str, str] = {}
    while hearing.words or not found:
        if found and hearing.words.take({"and", "&"}) is not None:
            continue
        word = hearing.words.peek()
        if word is not None and not word.startswith("@"):
            raise UserError(together(own("Write people as `@name`, not "), code_span(word), own(".")))
        username = hearing.words.user()
        if not hearing.snapshot.people.get(username):
            raise UserError(together(own("GitLab knows nobody called "), code_span(username), own(".")))
        found.setdefault(username.lower(), username)
    if len(found) > MOST_GUESTS:
        raise UserError(own(f"{MOST_GUESTS} people can be named at most."))
    return tuple(found.values())


def _is_same(present: Meeting, fresh: Meeting) -> bool:
    return all(
        getattr(present, name) == getattr(fresh, name) for name in ("starts_at", "zone", "minutes", "invited", "guests")
    )


def _numbered(fresh: Meeting, before: Meeting | None) -> Meeting:
    """As the next change of the invitation; of one that was held, or never sent, as a new invitation."""
    if before is None or before.starts_at is None:
        return fresh
    if before.state is MeetingState.HELD:
        return replace(fresh, number=before.number + 1)
    return replace(fresh, number=before.number, sequence=before.sequence + 1)


def _keep(name: str, made: Meeting, hearing: Hearing) -> None:
    hearing.course.standing = hearing.standing.but(meetings={**hearing.standing.meetings, name: made})


def _claim(name: str, rules: MeetingRules, hearing: Hearing) -> None:
    if not claim(hearing, f"meeting:{name}"):
        raise _overtaken(rules)


def _overtaken(rules: MeetingRules) -> NotAllowed:
    return overtaken(own(f"something else was said of **{rules.title}**"))


def _moved(rules: MeetingRules, before: Meeting, now: Meeting, called: tuple[str, ...]) -> Safe:
    """That an edited comment calls nobody is why the answer does."""
    address = together(joined(map(person, called), own(", ")), own(": ")) if called else own("")
    if (before.starts_at, before.zone) == (now.starts_at, now.zone):
        return together(address, own(f"the invitation to **{rules.title}** on {when(now)} has changed."))
    return together(address, own(f"**{rules.title}** is on {when(now)} now, and not on {when(before)}."))
