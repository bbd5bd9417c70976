"""The submission itself: every field the services calculator may send, frozen once read.

Only four fields are required, because the real tool accepts a nearly empty form and the EM follows up. Fields nobody
knows are kept (`model_extra`) and shown. A blank text counts as "not given": that is how forms send an empty box.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from app.submission import choices
from app.submission.values import (
    MAX_LIST,
    Amount,
    AsList,
    Count,
    Dates,
    Day,
    Distinct,
    Email,
    Few,
    HttpsUrl,
    Line,
    Opportunity,
    Positive,
    Text,
    Username,
    Version,
    currency_checker,
    is_blank,
)

MAX_ANSWERS = 200

Currency = Annotated[
    str,
    BeforeValidator(lambda value: value.strip().upper() if isinstance(value, str) else value),
    Field(min_length=3, max_length=3, examples=["USD"]),
    AfterValidator(currency_checker(choices.CURRENCIES)),
]
Answers = Annotated[
    dict[str, Any],
    Field(max_length=MAX_ANSWERS, description="Answers by question key, as `psplan methodology show` lists them."),
]


class _Part(BaseModel):
    """A piece of the submission: frozen, tolerant of fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _blank_is_not_given(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        optional = {name for name, field in cls.model_fields.items() if not field.is_required()}
        return {name: value for name, value in given.items() if not (name in optional and is_blank(value))}


class TeamMember(_Part):
    """One person of the account team."""

    role: Line = Field(description="What the person does, such as AE, SA or CSM.", examples=["AE"])
    username: Username = Field(description="GitLab user name.", examples=["bob"])


class SkuItem(_Part):
    """One line of a catalogue order."""

    sku: Line = Field(description="The catalogue number.", examples=["GL-PS-TRN-CICD"])
    qty: Positive = Field(default=1, description="How many.")


class Versions(_Part):
    """GitLab versions on both ends of a migration."""

    source: Version | None = Field(default=None, examples=["16.11"])
    dest: Version | None = Field(default=None, examples=["17.1"])


class Migration(_Part):
    """The size of a migration."""

    sources: Annotated[tuple[choices.MigrationSource, ...], Field(max_length=MAX_LIST), AsList, Few, Distinct] = Field(
        default=(), description="Systems that are left behind.", examples=[["ghe"]]
    )
    users: Count | None = Field(default=None, description="People to move.", examples=[775])
    repos: Count | None = Field(default=None, description="Git repositories (projects) to move.", examples=[4321])
    repos_over_5gb: Count | None = Field(default=None, description="Repositories larger than 5 GB.", examples=[3])
    portfolios: Count | None = Field(default=None, description="Groups of teams with a stakeholder of their own.")
    ci_jobs: Count | None = Field(default=None, description="CI jobs to point at the new place.")
    versions: Versions | None = None


class TrainingCourse(_Part):
    """One class the customer wants."""

    course: Line = Field(description="The course.", examples=["ci-cd"])
    mode: choices.TrainingMode | None = None
    attendees: Positive | None = Field(default=None, description="People; a class has 12 seats.", examples=[12])
    preferred_dates: Dates = Field(default=(), description="Dates or weeks that suit the customer.")


class Money(_Part):
    """An amount in a currency; `62000 USD` in one text is understood too."""

    amount: Amount | None = None
    currency: Currency | None = None

    @model_validator(mode="before")
    @classmethod
    def _amount_and_code(cls, given: object) -> object:
        if isinstance(given, str) and len(parts := given.split()) == 2:
            return {"amount": parts[0].replace(",", ""), "currency": parts[1]}
        return given


class Estimate(Money):
    """A first idea of the price."""

    type: choices.EstimateType | None = None


class Submission(_Part):
    """One request for Professional Services, as the services calculator sends it."""

    submission_id: UUID = Field(description="The same id with other content is a revision of the first.")
    source: choices.Source = choices.Source.CALCULATOR
    customer_name: Line = Field(
        description="The customer's name as it should stand in the title.", examples=["Acme GmbH"]
    )
    requester_gitlab_username: Username = Field(description="Who asks; gets the issue.", examples=["sa.jane"])
    requester_email: Email | None = Field(description="Where to reach the requester.", examples=["jane@example.com"])
    requester_role: choices.RequesterRole | None = None
    pubsec_us: bool = Field(default=False, description="US public sector.")
    sfdc_opportunity_url: Opportunity | None = Field(
        default=None, description="Salesforce address or record id of the services-only opportunity."
    )
    sfdc_parent_opportunity_url: Opportunity | None = Field(default=None, description="The same of the licence deal.")
    sfdc_stage: choices.SfdcStage | None = None
    close_date: Day | None = Field(default=None, description="Expected close; not in the past.")
    customer_folder_url: HttpsUrl | None = None
    sales_territory: Line | None = Field(default=None, description="As in Salesforce.", examples=["EMEA DACH"])
    segment: choices.Segment | None = None
    account_team: Annotated[tuple[TeamMember, ...], Field(max_length=MAX_LIST), Few] = ()
    services: Annotated[tuple[choices.Service, ...], Field(max_length=MAX_LIST), AsList, Few, Distinct] = Field(
        default=(), examples=[["migration_scm", "training"]]
    )
    commercial_form: choices.CommercialForm | None = None
    sku_items: Annotated[tuple[SkuItem, ...], Field(max_length=MAX_LIST), Few] = ()
    users_current: Count | None = Field(default=None, examples=[800])
    users_planned: Count | None = Field(default=None, examples=[3250])
    license_tier: choices.LicenseTier | None = None
    gitlab_version: Version | None = Field(default=None, examples=["17.4"])
    deployment_target: choices.DeploymentTarget | None = None
    hosting: choices.Hosting | None = None
    implementation: Answers | None = None
    migration: Migration | None = None
    cicd: Answers | None = None
    readiness: Answers | None = None
    transformation: Answers | None = None
    training: Annotated[tuple[TrainingCourse, ...], Field(max_length=MAX_LIST), Few] = ()
    pain_points: Text | None = None
    constraints: Text | None = None
    goals: Text | None = None
    desired_start: Day | None = None
    deadline: Day | None = None
    budget_known: Money | None = None
    estimate: Estimate | None = None
    notes: Text | None = None


def submission_json_schema() -> dict[str, Any]:
    """The JSON Schema of a submission, for the published contract and the OpenAPI page."""
    schema = Submission.model_json_schema(mode="validation")
    # The e-mail is optional inside (an issue adopted from a person's own hand has none) but never at the HTTP door.
    schema["properties"]["requester_email"] = next(
        choice | {key: value for key, value in schema["properties"]["requester_email"].items() if key != "anyOf"}
        for choice in schema["properties"]["requester_email"]["anyOf"]
        if choice["type"] == "string"
    )
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
