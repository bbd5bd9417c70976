"""What looks odd about a submission but is no reason to refuse it: said on the issue, for the EM to settle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from app.submission.choices import CommercialForm, DeploymentTarget, EstimateType, LicenseTier, Segment, Service
from app.submission.model import Submission
from app.submission.values import salesforce_id

PRICED_BY_EM_USERS = 3_000
PRICED_BY_EM_REPOS = 10_000
SEATS_PER_CLASS = 12
MINOR_VERSIONS_APART = 2
_OPPORTUNITY_PREFIX = "006"


@dataclass(frozen=True, slots=True)
class Warning:
    """One remark: the dotted field it is about, and a sentence or two for people."""

    field: str
    text: str


def warnings(submission: Submission, *, today: date) -> tuple[Warning, ...]:
    """Every remark about the submission, in reading order; the words are ours, no foreign text is in them."""
    return (
        *_about_the_deal(submission),
        *_about_dates(submission, today=today),
        *_about_sizes(submission),
        *_about_missing_parts(submission),
    )


def _about_the_deal(submission: Submission) -> Iterator[Warning]:
    url = submission.sfdc_opportunity_url
    if url is None:
        yield Warning(
            "sfdc_opportunity_url",
            "No Salesforce opportunity was given. Custom services need one of their own: please tell us where it is.",
        )
    elif not (salesforce_id(url) or "").startswith(_OPPORTUNITY_PREFIX):
        yield Warning(
            "sfdc_opportunity_url", "The Salesforce id does not begin with 006, so it may not be an opportunity."
        )
    if submission.segment is Segment.SMB and submission.commercial_form is not CommercialForm.SKU:
        yield Warning(
            "commercial_form",
            "SMB customers buy catalogue items only. Custom work for them goes to a partner: ask the partner manager.",
        )
    if submission.license_tier is LicenseTier.FREE:
        yield Warning(
            "license_tier",
            "Community Edition customers get no services. A discovery engagement is the most that can be offered.",
        )
    if submission.license_tier is LicenseTier.FREE and submission.deployment_target is DeploymentTarget.SM_HA:
        yield Warning("deployment_target", "High availability needs a Premium or Ultimate licence.")
    if submission.estimate is not None and submission.estimate.type is EstimateType.MIXED:
        yield Warning(
            "estimate.type",
            "Time and materials together with fixed fee needs two quotes. Their sum has to equal the SOW.",
        )


def _about_dates(submission: Submission, *, today: date) -> Iterator[Warning]:
    start, deadline = submission.desired_start, submission.deadline
    if start is not None and start < today:
        yield Warning("desired_start", "The desired start lies in the past.")
    if deadline is not None and deadline < today:
        yield Warning("deadline", "The deadline lies in the past.")
    if start is not None and deadline is not None and deadline < start:
        yield Warning("deadline", "The deadline lies before the desired start.")
    if start is not None and submission.close_date is not None and start < submission.close_date:
        yield Warning(
            "desired_start",
            "The desired start lies before the close date. A start before booking is Work at Risk: leadership decides.",
        )


def _about_sizes(submission: Submission) -> Iterator[Warning]:
    current, planned = submission.users_current, submission.users_planned
    if current is not None and planned is not None and planned < current:
        yield Warning("users_planned", "Fewer users are planned than exist today.")
    if (move := submission.migration) is not None:
        if (move.users or 0) > PRICED_BY_EM_USERS:
            yield Warning("migration.users", "More than 3,000 users: outside the price table, the EM prices it.")
        if (move.repos or 0) > PRICED_BY_EM_REPOS:
            yield Warning("migration.repos", "More than 10,000 projects: outside the price table, the EM prices it.")
        if (move.repos_over_5gb or 0) > (move.repos if move.repos is not None else move.repos_over_5gb or 0):
            yield Warning("migration.repos_over_5gb", "More large repositories were given than repositories in total.")
        if move.versions is not None and _too_far_apart(move.versions.source, move.versions.dest):
            yield Warning(
                "migration.versions",
                "Source and destination are more than two minor releases apart: an upgrade has to come first.",
            )
    for index, course in enumerate(submission.training):
        if (course.attendees or 0) > SEATS_PER_CLASS:
            yield Warning(
                f"training.{index}.attendees", "A class has 12 seats. Plan a second class, or order extra seats."
            )


def _about_missing_parts(submission: Submission) -> Iterator[Warning]:
    if not submission.services:
        yield Warning("services", "No service was chosen yet, so only the general questions are asked.")
    move = submission.migration
    if any(service.is_migration for service in submission.services) and (move is None or not move.sources):
        yield Warning("migration.sources", "A migration was chosen, but not the system to migrate from.")
    if Service.TRAINING in submission.services and not submission.training:
        yield Warning("training", "Training was chosen, but no course was named.")
    if submission.commercial_form is CommercialForm.SKU and not submission.sku_items:
        yield Warning("sku_items", "A catalogue order was chosen, but no catalogue item was named.")


def _too_far_apart(source: str | None, dest: str | None) -> bool:
    """True when an upgrade has to come first; unknown versions are not judged."""
    if source is None or dest is None:
        return False
    low, high = sorted(tuple(int(part) for part in version.split(".")[:2]) for version in (source, dest))
    if low[0] == high[0]:
        return high[1] - low[1] > MINOR_VERSIONS_APART
    # GitLab's major releases end with minor 11 (16.11 is followed by 17.0).
    return (high[0] - low[0]) * 12 + high[1] - low[1] > MINOR_VERSIONS_APART
