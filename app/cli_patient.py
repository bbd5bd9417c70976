"""What commands look at GitLab with: by a token of the settings, for a person who waits."""

from __future__ import annotations

from functools import partial
from typing import Final

from pydantic import SecretStr

import handlers  # noqa: F401  (importing it registers every command, which the methodology may name)
from app.adapters.gitlab_project import GitLabProject
from app.adapters.health import HealthProbe
from app.adapters.restraint import Restraint
from app.adapters.slack import SlackBot, SlackRestraint
from app.adapters.smtp import SmtpPost
from app.clock import steady_clock, system_clock
from app.doctor import Patient, Tools
from app.ingress import gitlab as gitlab_door
from app.live_secrets import LiveSecrets
from app.methodology.load import check_methodology
from app.metrics import Metrics
from app.registry import registry
from app.salesforce import open_salesforce
from app.settings import Settings
from app.settings_survey import Survey

LONGEST_WAIT_S: Final = 5.0
"""For one answer, whatever the service itself is allowed to wait."""
HOOK_PATH: Final = gitlab_door.PATH


def patient_of(surveyed: Survey) -> Patient:
    """Everything that can be looked at, nothing of it looked at yet."""
    settings = surveyed.settings
    tools = Tools(
        bot=_project_by(settings.gitlab_token, settings),
        operator=operators_project(settings),
        read_methodology=partial(check_methodology, look=registry.unknown_commands),
        probe=HealthProbe(LONGEST_WAIT_S),
        clock=system_clock,
        hook_path=HOOK_PATH,
        slack=_slack_bot(settings),
        salesforce=open_salesforce(settings, LiveSecrets(settings), steady_clock, system_clock, Metrics()),
        greet_mail_server=None if settings.smtp_url is None else partial(_greet_mail_server, settings.smtp_url),
    )
    return Patient(surveyed, tools)


def _slack_bot(settings: Settings) -> SlackBot | None:
    token = settings.slack_token
    if token is None:
        return None
    restraint = SlackRestraint(steady_clock, Metrics())
    return SlackBot(
        url=settings.slack_api_url, token=token.get_secret_value, restraint=restraint, timeout_s=LONGEST_WAIT_S
    )


def _greet_mail_server(url: SecretStr) -> str:
    return SmtpPost(
        url=url.get_secret_value, sender="", timer=system_clock, metrics=Metrics(), timeout_s=LONGEST_WAIT_S
    ).greet()


def operators_project(settings: Settings) -> GitLabProject:
    """The project by the operator's token, or by the bot's own where there is no other."""
    return _project_by(settings.gitlab_admin_token or settings.gitlab_token, settings)


def _project_by(token: SecretStr, settings: Settings) -> GitLabProject:
    return GitLabProject(
        url=settings.gitlab_url,
        token=token.get_secret_value(),
        project=settings.project,
        timeout_s=min(settings.gitlab_timeout_s, LONGEST_WAIT_S),
        clock=system_clock,
        restraint=Restraint(settings.gitlab_calls_per_minute, steady_clock, Metrics()),
    )
