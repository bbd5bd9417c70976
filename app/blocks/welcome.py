"""Who is asked for what: requester and EM, each mentioned once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app import text
from app.blocks.case import Case
from app.blocks.words import lines, together
from app.text import Safe, own

MAX_LISTED: Final = 10


def welcome(case: Case) -> Safe:
    """Requester and EM, each mentioned once, with what is asked of each."""
    customer = text.code_span(case.submission.customer_name)
    thanks = together(
        _person(case, case.submission.requester_gitlab_username),
        own(", thank you for the request! This issue takes "),
        customer,
        own(" from the first questions to a signed SOW."),
        _unknown_person(case, case.submission.requester_gitlab_username),
    )
    return lines(thanks, own(""), own("What we ask of you:"), own(""), *_asked_of_requester(case), own(""), *_em(case))


def welcome_to_order(case: Case, *, reason: str) -> Safe:
    """The same for an order that needs no scoping; says why there is no scoping issue."""
    thanks = together(
        _person(case, case.submission.requester_gitlab_username),
        own(", thank you for the request! This issue takes the order of "),
        text.code_span(case.submission.customer_name),
        own(" to booked dates."),
        _unknown_person(case, case.submission.requester_gitlab_username),
    )
    return lines(
        thanks,
        own(""),
        own(f"There is no scoping issue, because {reason}. If that is wrong, send the request again as custom work."),
        own(""),
        own("What we ask of you:"),
        own(""),
        own("1. Fill in the table below as far as you can."),
        own("2. Check what is filled in already, and correct what is wrong."),
        own(""),
        *_em(case, order=True),
    )


def _asked_of_requester(case: Case) -> Iterator[Safe]:
    if missing := case.open_questions:
        what = "this required question" if len(missing) == 1 else f"these {len(missing)} required questions"
        yield own(f"1. Answer {what} in the table below (or find out who can):")
        for each in missing[:MAX_LISTED]:
            yield own(f"   - {each.question.text}")
        if len(missing) > MAX_LISTED:
            yield own(f"   - and {len(missing) - MAX_LISTED} more: every **to-do** in bold.")
    else:
        yield own("1. Nothing is missing: all required questions are answered already.")
    yield own("2. Check what is filled in already, and correct what is wrong.")
    yield own("3. Answer as many of the other questions as you can. The fewer are open, the shorter the scoping call.")


def _em(case: Case, *, order: bool = False) -> Iterator[Safe]:
    by_when = own(f", by {case.first_touch:%A}, {case.first_touch.isoformat()}:")
    em = case.routing.em
    if em is None:
        role = case.methodology.roles[case.routing.triage or "em"].title
        yield own(
            f"**No Engagement Manager yet:** {case.routing.why}. Whoever is {_article(role)} {role} and takes this up:"
        )
        yield own("please assign the issue to yourself" + by_when)
    elif em.lower() == case.submission.requester_gitlab_username.lower():
        yield own(f"You are the Engagement Manager as well ({case.routing.why}). Please also" + by_when)
    else:
        yield together(
            _person(case, em),
            own(f", you are the Engagement Manager for this ({case.routing.why}). What we ask of you"),
            by_when,
            _unknown_person(case, em),
        )
    yield own("")
    if order:
        yield own("1. See whether a catalogue order fits, or whether this has to be scoped.")
        yield own("2. Get in touch with the requester about dates and contacts.")
    else:
        yield own("1. Get in touch with the requester. See whether services and segment are right.")
        yield own("2. Collect the missing answers, or arrange a scoping call.")
        yield own("3. Fill in the linked Project Scheduling Intake issue; what both ask is carried over by itself.")


def _article(noun: str) -> str:
    return "an" if noun[:1].upper() in "AEIOU" else "a"


def _person(case: Case, username: str) -> Safe:
    """A mention where GitLab confirmed the user, else the name as plain code."""
    return text.mention(username) if case.people.get(username) else text.code_span(username)


def _unknown_person(case: Case, username: str) -> Safe:
    if case.people.get(username):
        return own("")
    if username in case.people:
        return together(
            own(" (No GitLab user is called "), text.code_span(username), own(": please tell the right person.)")
        )
    return together(own(" (GitLab could not say whether a user "), text.code_span(username), own(" exists.)"))
