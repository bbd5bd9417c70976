"""Which EM and segment a submission belongs to, which labels its issues get, and whether there is anything to scope.

Asked in this order: the US public sector patch, the account-team map (the requester first), the given segment, the
territory, the default EM. What finds nobody goes to the triage role: the issue then names the role, not a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from app.methodology.model import Methodology, RoutingRules
from app.submission import Submission
from app.submission.choices import CommercialForm, Service


@dataclass(frozen=True, slots=True)
class Routing:
    """`em`: GitLab user name of the EM; None when the role `triage` has to choose one. `why` says it to people."""

    em: str | None
    segment: str | None
    why: str
    triage: str | None


@dataclass(frozen=True, slots=True)
class IssueLabels:
    """The labels of a new issue of each kind; `intake_only` is the intake issue that has no scoping issue beside it."""

    scoping: tuple[str, ...]
    intake: tuple[str, ...]
    intake_only: tuple[str, ...]


def route(submission: Submission, methodology: Methodology) -> Routing:
    """The EM, the segment and the reason; the reason holds no foreign text."""
    rules = methodology.routing
    segment, from_where = _segment(submission, rules)
    for em, why in _candidates(submission, rules, segment, from_where):
        if em is not None:
            return Routing(em=em, segment=segment, why=why, triage=None)
    known = f"segment {segment} has no EM" if segment else "neither account team, segment nor territory leads to an EM"
    why = "the US public sector patch has no EM" if submission.pubsec_us else known
    return Routing(em=None, segment=segment, why=f"{why}, and there is no default EM", triage=rules.triage_role)


def labels_for(submission: Submission, methodology: Methodology, routing: Routing) -> IssueLabels:
    """The labels of the issues; without a scoping issue, the intake issue carries what classifies the request."""
    classes = tuple(_classes(submission, methodology, routing))
    pubsec = (methodology.classification.pubsec_us,) if submission.pubsec_us else ()
    issues = methodology.issues
    return IssueLabels(
        scoping=_distinct(*issues.scoping.labels, *classes, *pubsec),
        intake=_distinct(*issues.intake.labels, *pubsec),
        intake_only=_distinct(*issues.intake_only.labels, *classes, *pubsec),
    )


def intake_only(submission: Submission) -> str | None:
    """Why there is nothing to scope, or None when there is."""
    if submission.commercial_form is CommercialForm.SKU:
        return "this is a catalogue order (SKU); catalogue items have no SOW, so there is nothing to scope"
    if submission.services == (Service.TRAINING,) and submission.commercial_form is not CommercialForm.CUSTOM:
        return "only training was asked for; standard classes have no SOW, so there is nothing to scope"
    return None


def _segment(submission: Submission, rules: RoutingRules) -> tuple[str | None, str]:
    if submission.segment is not None:
        return submission.segment.value, "given"
    territory = submission.sales_territory
    if territory is None:
        return None, ""
    matching = [pattern for pattern in rules.territories if _as_regex(pattern).fullmatch(territory)]
    if not matching:
        return None, ""
    most_exact = max(matching, key=lambda pattern: len(pattern.replace("*", "")))
    return rules.territories[most_exact].value, "from the sales territory"


@cache
def _as_regex(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), flags=re.IGNORECASE | re.DOTALL)


def _candidates(
    submission: Submission, rules: RoutingRules, segment: str | None, from_where: str
) -> Iterator[tuple[str | None, str]]:
    if submission.pubsec_us:
        # The patch keeps US public sector apart: an EM of an ordinary region must not get it by accident.
        yield rules.pubsec_em, "by the US public sector patch"
        yield rules.default_em, "the default EM, since the US public sector patch has nobody"
        return
    yield _by_name(rules, submission.requester_gitlab_username), "by the account-team map, for the requester"
    for member in submission.account_team:
        yield _by_name(rules, member.username), "by the account-team map, for a member of the account team"
    if segment is not None:
        em = next((em for known, em in rules.segments.items() if known.value == segment), None)
        yield em, f"by segment {segment}, {from_where}"
    yield rules.default_em, "the default EM"


def _by_name(rules: RoutingRules, username: str) -> str | None:
    """GitLab user names are equal whatever their case."""
    return next((em for name, em in rules.account_team.items() if name.lower() == username.lower()), None)


def _classes(submission: Submission, methodology: Methodology, routing: Routing) -> Iterator[str]:
    if routing.segment is not None:
        yield methodology.classification.segment.replace("{segment}", routing.segment)
    for service in submission.services:
        if (label := methodology.services[service].label) is not None:
            yield label


def _distinct(*labels: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(labels))
