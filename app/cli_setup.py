"""`psplan setup`: makes the project ready, says what it did, and what only a person can do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, Final

from app.adapters.gitlab_project import GitLabProject
from app.cli_database import print_json
from app.cli_lines import ARROW, columns, number
from app.cli_patient import HOOK_PATH, operators_project, patient_of
from app.cli_progress import Progress
from app.doctor import CHECKS, Finding, State, examine
from app.doctor.of_tokens import PLANNER, SCOPE, role_name
from app.errors import Absent, NotAccepted, Permanent, Retry
from app.failure import Failure
from app.layers import FileFaults
from app.logs import set_up_logs
from app.methodology import load_methodology
from app.registry import registry
from app.settings import Settings, SettingsFault
from app.settings_survey import Survey, survey
from app.setup.changes import Gravity, Remark
from app.setup.desired import Desired, desired
from app.setup.difference import Options
from app.setup.forms import FormFault, load_forms
from app.setup.ready import Report, compare, make_ready, secrets_of

OF_PEOPLE: Final = (
    "settings",
    "record key",
    "methodology",
    "bot's token",
    "bot's role",
    "people",
    "public address",
    "pages",
)
"""Checks of `psplan doctor` about what no program can mend."""


def setup(arguments: argparse.Namespace) -> int:
    """Make the project ready, or show what would be done; 1 where it is not ready afterwards."""
    surveyed = _enough()
    settings = surveyed.settings
    set_up_logs(style="auto", secrets=settings.secret_values(), is_told=True)
    wanted = _desired(settings, with_optional=arguments.all_labels)
    keeper = operators_project(settings)
    heading = _heading(keeper, settings, may_only_look=arguments.dry_run)
    options = Options(arguments.migrate_labels, arguments.overwrite_templates, arguments.renew_secret)
    with Progress() as progress:
        if arguments.dry_run:
            found = compare(keeper, wanted, options, tell=progress)
            report = Report(done=list(found.changes), remarks=found.remarks)
        else:
            report = make_ready(keeper, wanted, options, secrets_of(settings), tell=progress)
    left = _left_for_people(surveyed)
    if arguments.json:
        print_json(_as_json(report, left, is_dry=arguments.dry_run))
    else:
        sys.stdout.write(heading + _told(report, left, is_dry=arguments.dry_run))
    return 0 if report.is_ready else 1


def _enough() -> Survey:
    """The settings, of which the bot's own token may be lacking where there is the operator's. Raises SettingsFault."""
    surveyed = survey()
    spared = {"gitlab_token"} if surveyed.settings.gitlab_admin_token is not None else set()
    for name, words in surveyed.faults.items():
        if name not in spared:
            raise SettingsFault(words)
    return surveyed


def _desired(settings: Settings, *, with_optional: bool) -> Desired:
    try:
        methodology = load_methodology(settings.methodology, look=registry.unknown_commands)
        forms = load_forms(settings.templates)
    except (FileFaults, FormFault) as fault:
        raise Failure(str(fault)) from fault
    return desired(methodology, settings, hook_path=HOOK_PATH, forms=forms, with_optional=with_optional)


def _heading(keeper: GitLabProject, settings: Settings, *, may_only_look: bool) -> str:
    """Where it works, and as whom. Raises Failure where it cannot begin, before anything is half done."""
    setting = "PSPLAN_GITLAB_TOKEN" if settings.gitlab_admin_token is None else "PSPLAN_GITLAB_ADMIN_TOKEN"
    try:
        version = keeper.instance().version
        token, facts, person, level = keeper.token(), keeper.facts(), keeper.whoami(), keeper.own_level()
    except NotAccepted as refusal:
        raise Failure(f"GitLab does not take {setting}: {refusal.reason}") from refusal
    except Absent as fault:
        raise Failure(f"there is no project {settings.project} that the user of {setting} sees") from fault
    except (Retry, Permanent) as fault:
        raise Failure(f"{settings.gitlab_url}: {fault.reason}") from fault
    if facts.is_archived:
        raise Failure(f"{facts.path} is archived: nobody can write in it")
    if not facts.takes_issues:
        raise Failure(f"{facts.path} has its issues switched off: switch them on")
    if not may_only_look and SCOPE not in token.scopes:
        scopes = ", ".join(sorted(token.scopes)) or "none"
        raise Failure(f"{setting} has the scope {scopes} and not {SCOPE}: it can write nothing")
    if not may_only_look and level < PLANNER:
        raise Failure(
            f"@{person.username} is {role_name(level)} in {facts.path}: labels and boards need a Planner, the webhook "
            "a Maintainer"
        )
    return f"{facts.web_url} (GitLab {version}), as @{person.username}, {role_name(level)}\n\n"


def _left_for_people(surveyed: Survey) -> list[Finding]:
    checks = [check for check in CHECKS if check.subject in OF_PEOPLE]
    found = examine(patient_of(surveyed), checks=checks)
    left = {State.BROKEN, State.WARNING, State.NOT_CONFIGURED}
    return [finding for finding in found if finding.state in left]


def _told(report: Report, left: Sequence[Finding], *, is_dry: bool) -> str:
    rows = [(change.sign, change.describe()) for change in report.done]
    rows += [("failed", f"{change.describe()}: {reason}") for change, reason in report.failed.items()]
    parts = [columns(rows)] if rows else []
    noted = [(remark.part.value, _with_mend(remark.words, remark.mend)) for remark in report.remarks]
    if noted:
        parts.append("Left as it is:\n" + _indented(noted))
    if left:
        parts.append("For a person to do:\n" + _indented([(f.subject, _with_mend(f.reason, f.mend)) for f in left]))
    return "\n".join([*parts, _summary(report, is_dry=is_dry)])


def _indented(rows: Sequence[tuple[str, str]]) -> str:
    return "".join(f"  {line}\n" for line in columns(rows).splitlines())


def _with_mend(words: str, mend: str) -> str:
    return words + (ARROW + mend if mend else "")


def _summary(report: Report, *, is_dry: bool) -> str:
    done = number(len(report.done), "change")
    if is_dry:
        told = f"{done} would be made; nothing was changed" if report.done else "Nothing would be changed"
    else:
        told = f"{done} made" if report.done else "Nothing had to be changed"
    failed = f", {len(report.failed)} failed" if report.failed else ""
    end = "" if report.is_ready else "; the project is not ready"
    return f"{told}{failed}{end}. psplan doctor looks at the whole.\n"


def _as_json(report: Report, left: Sequence[Finding], *, is_dry: bool) -> dict[str, Any]:
    changes = [
        *({"part": each.part.value, "change": each.describe(), "is_done": not is_dry} for each in report.done),
        *(
            {"part": each.part.value, "change": each.describe(), "is_done": False, "reason": reason}
            for each, reason in report.failed.items()
        ),
    ]
    return {
        "is_ready": report.is_ready,
        "changes": changes,
        "remarks": [_remark(remark) for remark in report.remarks],
        "for_a_person": [finding.to_record() for finding in left],
    }


def _remark(remark: Remark) -> dict[str, Any]:
    return {
        "part": remark.part.value,
        "words": remark.words,
        "mend": remark.mend,
        "is_grave": remark.gravity is Gravity.GRAVE,
    }
