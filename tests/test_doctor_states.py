"""`psplan doctor` over every broken state: what it says of it, and that it says nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from app.sandbox import AccessLevel, Fault, FaultKind, token_of
from app.setup.forms import marked
from app.store.store import open_store
from tests.operating import SIGNING_KEY, Desk, desk, furnish


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    with desk(tmp_path, monkeypatch, capsys) as made:
        furnish(made)
        yield made


MAIL = {"PSPLAN_SMTP_FROM": "ps-plan@example.com"}
Spoil = Callable[[Desk], object]


def setting(name: str, value: str) -> Spoil:
    return lambda on: on.env.update({f"PSPLAN_{name}": value})


def renamed(on: Desk, old: str, new: str) -> None:
    on.world.edit_label("root", old, title=new)


def token_with(on: Desk, value: str, username: str, setting_name: str, **more: object) -> None:
    on.world.add_token(username, value=value, **more)  # type: ignore[arg-type]
    on.env[setting_name] = value


def bots_token(**more: object) -> Spoil:
    return lambda on: token_with(on, "glpat-another", "ps-bot", "PSPLAN_GITLAB_TOKEN", **more)


def operators_token(**more: object) -> Spoil:
    return lambda on: token_with(on, "glpat-operator", "root", "PSPLAN_GITLAB_ADMIN_TOKEN", **more)


def in_days(days: int) -> date:
    return (datetime.now(UTC) + timedelta(days=days)).date()


def revoke(on: Desk) -> None:
    bots_token()(on)
    on.world.tokens["glpat-another"].is_revoked = True


def ahead(**interval: float) -> Spoil:
    return lambda on: setattr(on.world, "clock", lambda: datetime.now(UTC) - timedelta(**interval))


def own_file(name: str, text: str, variable: str) -> Spoil:
    def write(on: Desk) -> None:
        (on.folder / name).write_text(text)
        on.env[variable] = str(on.folder / name)

    return write


def templates(on: Desk, *, spoiled: bytes | None = None) -> None:
    folder = on.folder / "templates"
    (folder / "gitlab").mkdir(parents=True)
    for shipped in (Path(__file__).parents[1] / "issue_templates").glob("*.md"):
        (folder / shipped.name).write_text(shipped.read_text())
    if spoiled is None:
        (folder / "gitlab").rmdir()  # those that ship are taken
    else:
        (folder / "gitlab" / "form.md").write_bytes(spoiled)
    on.env["PSPLAN_TEMPLATES"] = str(folder)


def misplaced(on: Desk) -> None:
    templates(on)
    scoping = on.folder / "templates" / "scoping.md"
    scoping.write_text(scoping.read_text().replace("{{ ssot }}", "{{ ssott }}"))


def hook(on: Desk, **settings: object) -> None:
    on.world.edit_hook("root", 1, **settings)


def delivered(on: Desk, status: int) -> None:
    """GitLab sends something, and the service answers so."""
    on.ears.status = status
    on.world.create_issue("alice", title="x")
    assert on.world.deliveries_idle(5)


def disable(on: Desk) -> None:
    on.world.auto_disable = True
    on.world.create_issue("alice", title="x")
    assert on.world.deliveries_idle(5)
    on.world.hooks[1].failures = 40


def of_group(on: Desk) -> None:
    on.world.delete_label("root", "SLA::breached")
    on.world.add_group_label("SLA::breached", color="#000000")


def unsigned(on: Desk) -> None:
    del on.env["PSPLAN_WEBHOOK_TOKENS"]
    on.env["PSPLAN_WEBHOOK_SIGNING_KEYS"] = SIGNING_KEY


def signed_in_vain(on: Desk) -> None:
    on.world.signing, on.world.version = True, "19.1.0"
    on.env["PSPLAN_WEBHOOK_SIGNING_KEYS"] = SIGNING_KEY


def secretless(on: Desk) -> None:
    on.world.signing, on.world.version = True, "19.1.0"
    hook(on, token="")


def trusting(on: Desk) -> None:
    on.env["PSPLAN_PUBLIC_URL"] = "https://127.0.0.1:9"
    hook(on, url="https://127.0.0.1:9/webhooks/gitlab", enable_ssl_verification=False)


def grouped(path: str) -> Spoil:
    def name_it(on: Desk) -> None:
        on.world.add_group("ps/empty")
        on.methodology("", cora=path)

    return name_it


def hidden(on: Desk) -> None:
    grouped("ps/empty")(on)
    on.world.faults.add(Fault("GET", r"/groups/.*/members", FaultKind.STATUS, times=9, status=403))


def database(make: Callable[[Path], object]) -> Spoil:
    return lambda on: make(on.folder / "psplan.sqlite3")


def versioned(path: Path, version: str) -> None:
    open_store(path).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    connection.commit()
    connection.close()


FORM = ".gitlab/issue_templates/services-request.md"
OLD_HOOK = "https://old.example.com/webhooks/gitlab"
SLIP = "extends: default\nrouting:\n  default_emm: jane\n"

WRONG: dict[str, Spoil] = {
    "no address of GitLab": setting("GITLAB_URL", ""),
    "no token": setting("GITLAB_TOKEN", ""),
    "no project": setting("PROJECT", ""),
    "no webhook secret": setting("WEBHOOK_TOKENS", ""),
    "public address without scheme": setting("PUBLIC_URL", "psplan.example.com"),
    "number that is none": setting("WORKERS", "many"),
    "secret file that is not there": setting("METRICS_TOKEN_FILE", "/nowhere"),
    "weak key": setting("WEBHOOK_SIGNING_KEYS", "whsec_MDEyMzQ1Njc4OQ=="),
    "slip in a name": setting("GITLAB_TOKN", "x"),
    "no calculator": setting("CALCULATOR_KEYS", ""),
    "no record key": setting("RECORD_KEYS", ""),
    "methodology with a slip": own_file("m.yaml", SLIP, "PSPLAN_METHODOLOGY"),
    "catalogue with a slip": own_file("c.yaml", "extends: default\ncurency: EUR\n", "PSPLAN_CATALOGUE"),
    "methodology that is not there": setting("METHODOLOGY", "/nowhere.yaml"),
    "role that nobody holds": own_file("m.yaml", "extends: default\n", "PSPLAN_METHODOLOGY"),
    "placeholder that nobody knows": misplaced,
    "form that is no text": lambda on: templates(on, spoiled=b"\xff\xfe"),
    "GitLab down": setting("GITLAB_URL", "http://127.0.0.1:9"),
    "GitLab ill": lambda on: on.world.faults.add(Fault("*", ".", FaultKind.STATUS, times=99, status=503)),
    "GitLab cuts": lambda on: on.world.faults.add(Fault("*", ".", FaultKind.CUT_BEFORE, times=99)),
    "no GitLab there": lambda on: on.env.update(PSPLAN_GITLAB_URL=on.ears.url),
    "old GitLab": lambda on: setattr(on.world, "version", "16.11.2"),
    "clock a little off": ahead(minutes=2),
    "clock wrong": ahead(minutes=-10),
    "bot unknown": setting("GITLAB_TOKEN", "glpat-nobody"),
    "bot expired": bots_token(expires_at=in_days(0)),
    "bot revoked": revoke,
    "bot expires": bots_token(expires_at=in_days(5)),
    "bot only reads": bots_token(scopes=("read_api",)),
    "bot may nothing": bots_token(scopes=("read_user",)),
    "bot is a guest": lambda on: on.world.set_level("ps-bot", AccessLevel.GUEST),
    "bot is no member": lambda on: on.world.set_level("ps-bot", AccessLevel.NONE),
    "operator unknown": setting("GITLAB_ADMIN_TOKEN", "glpat-nobody"),
    "operator expired": operators_token(expires_at=in_days(-1)),
    "bot expires tomorrow": bots_token(expires_at=in_days(1)),
    "operator expires": operators_token(expires_at=in_days(14)),
    "operator is a developer": setting("GITLAB_ADMIN_TOKEN", token_of("erin")),
    "no operator": setting("GITLAB_ADMIN_TOKEN", ""),
    "another project": setting("PROJECT", "ps/other"),
    "archived project": lambda on: setattr(on.world, "is_archived", True),
    "issues switched off": lambda on: setattr(on.world, "has_issues", False),
    "project cannot be read": lambda on: on.world.faults.add(
        Fault("GET", r"/projects/[^/?]+(\?|$)", FaultKind.STATUS, times=99, status=503)
    ),
    "no webhook": lambda on: on.world.remove_hook("root", 1),
    "webhook lacks comments": lambda on: hook(on, note_events=False, confidential_note_events=False),
    "webhook sends pushes": lambda on: hook(on, push_events=True),
    "webhook disabled": disable,
    "webhook elsewhere": lambda on: hook(on, url=OLD_HOOK),
    "two webhooks": lambda on: on.world.add_hook("root", on.hook_url + "/"),
    "webhook rewritten": lambda on: hook(on, custom_webhook_template="{}"),
    "webhook without secret": secretless,
    "webhook without signing token": signed_in_vain,
    "GitLab that does not sign": unsigned,
    "wrong secret": lambda on: delivered(on, 401),
    "deliveries fail": lambda on: delivered(on, 500),
    "webhook trusts all": trusting,
    "label missing": lambda on: on.world.delete_label("root", "SLA::breached"),
    "label in another case": lambda on: renamed(on, "Segment::MM_East", "Segment::MM_EAST"),
    "label in another colour": lambda on: on.world.edit_label("root", "SLA::breached", color="#000000"),
    "label not described": lambda on: on.world.edit_label("root", "SLA::breached", description=""),
    "label retired": lambda on: on.world.create_label("root", "proposal::Writing"),
    "label for none": lambda on: on.world.create_label("root", "proposal::Scoping"),
    "label like one": lambda on: on.world.create_label("root", "Intake::Stafing"),
    "label of a group": of_group,
    "no board": lambda on: on.world.boards.clear(),
    "column missing": lambda on: on.world.boards[1].lists.pop(),
    "columns in another order": lambda on: on.world.move_board_list("root", 2, 10, position=6),
    "no repository": lambda on: setattr(on.world, "has_repository", False),
    "repository ill": lambda on: on.world.faults.add(Fault("GET", "/files/", FaultKind.STATUS, times=9, status=503)),
    "form missing": lambda on: on.world.files.clear(),
    "form of a person": lambda on: on.world.edit_file("root", FORM, b"mine", branch="main"),
    "form old": lambda on: on.world.edit_file("root", FORM, marked("An older one").encode(), branch="main"),
    "unknown user": lambda on: on.methodology("  account_team: {sam: nobody-here}\n"),
    "user who is no member": lambda on: on.world.set_level("petra", AccessLevel.NONE),
    "unknown group": grouped("ps/nobody"),
    "empty group": grouped("ps/empty"),
    "group that hides its members": hidden,
    "database is none": database(lambda path: path.write_text("not a database, but a text " * 50)),
    "no place for a database": setting("DATABASE_URL", "sqlite:////etc/hostname/x/psplan.sqlite3"),
    "newer database": database(lambda path: versioned(path, "9999")),
    "older database": database(lambda path: versioned(path, "0003")),
    "public address dead": setting("PUBLIC_URL", "http://127.0.0.1:9"),
    "public address of others": lambda on: setattr(on.ears, "health", b"<html>"),
    "no public address": setting("PUBLIC_URL", ""),
    "application without secret": setting("OAUTH_CLIENT_ID", "x"),
    "no application": setting("OAUTH_CLIENT_ID", ""),
    "mail server away": lambda on: on.env.update(MAIL | {"PSPLAN_SMTP_URL": "smtp+plain://127.0.0.1:9"}),
    "mail server of no kind": lambda on: on.env.update(MAIL | {"PSPLAN_SMTP_URL": "mail.example.com"}),
    "mail from nowhere": setting("SMTP_URL", "smtp+plain://127.0.0.1:9"),
}  # fmt: skip

TOLD = """
no address of GitLab | broken settings | PSPLAN_GITLAB_URL is missing | GitLab, BEHIND_GITLAB
no token | broken settings | PSPLAN_GITLAB_TOKEN is missing | bot's token, bot's role, project, people
no project | broken settings | PSPLAN_PROJECT is missing | project, BEHIND_PROJECT
no webhook secret | broken settings | PSPLAN_WEBHOOK_TOKENS is missing | webhook
public address without scheme | broken settings | PUBLIC_URL is wrong: must begin with https | webhook, public address
number that is none | broken settings | PSPLAN_WORKERS is wrong |
secret file that is not there | broken settings | PSPLAN_METRICS_TOKEN_FILE: /nowhere cannot be read |
weak key | warning settings | PSPLAN_WEBHOOK_SIGNING_KEYS holds a key of less than 24 bytes |
slip in a name | warning settings | PSPLAN_GITLAB_TOKN is no setting  → did you mean PSPLAN_GITLAB_TOKEN? |
no calculator | not configured calculator | that door is closed |
no record key | warning record key | after losing both, approvals must be given again |
methodology with a slip | broken methodology | m.yaml:3 | BEHIND_METHODOLOGY
catalogue with a slip | broken catalogue | c.yaml:2: curency: is not known here; did you mean 'currency'? |
methodology that is not there | broken methodology | /nowhere.yaml | BEHIND_METHODOLOGY
role that nobody holds | warning methodology | roles.ta: is held by nobody |
placeholder that nobody knows | broken texts of issues | no placeholder is called 'ssott' |
form that is no text | broken texts of issues | form.md: is not UTF-8 text | webhook, labels, boards, issue templates
GitLab down | broken GitLab | did not answer GET metadata | BEHIND_GITLAB
GitLab ill | broken GitLab | answered 503 | BEHIND_GITLAB
GitLab cuts | broken GitLab | did not answer GET metadata | BEHIND_GITLAB
no GitLab there | broken GitLab | could not be read | BEHIND_GITLAB
old GitLab | warning GitLab | 16.11.2, Community Edition  → 17.0 or newer |
clock a little off | warning clock | s ahead of GitLab |
clock wrong | broken clock | s behind GitLab: signed deliveries are refused |
bot unknown | broken bot's token | GitLab does not know it | bot's role, project, people
bot expired | broken bot's token | it has expired | bot's role, project, people
bot revoked | broken bot's token | it has been revoked | bot's role, project, people
bot expires | warning bot's token | 5 days left |
bot only reads | broken bot's token | the scope read_api and not api |
bot may nothing | broken bot's token | insufficient_scope | bot's role, project, people
bot is a guest | broken bot's role | @ps-bot is Guest: it cannot set labels |
bot is no member | broken project | the bot sees no project ps/ps-plan | bot's role, people
operator unknown | broken operator's token | GitLab does not know it | webhook, labels, boards, issue templates
operator expired | broken operator's token | it has expired | webhook, labels, boards, issue templates
bot expires tomorrow | warning bot's token | 1 day left |
operator expires | warning operator's token | 14 days left |
operator is a developer | broken operator's token | its user is Developer in ps/ps-plan | webhook
no operator | not configured operator's token | the bot's own is tried | webhook
another project | broken project | the bot sees no project ps/other | BEHIND_PROJECT
archived project | broken project | is archived |
issues switched off | broken project | has its issues switched off  → switch them on |
project cannot be read | broken project | GitLab answered 503 to GET project | BEHIND_PROJECT
no webhook | broken webhook | there is none that leads to http |
webhook lacks comments | broken webhook | does not send confidential note, note |
webhook sends pushes | warning webhook | sends push, which nobody here reads |
webhook disabled | broken webhook | GitLab has disabled it, and sends nothing |
webhook elsewhere | broken webhook | there is none that leads to http |
two webhooks | warning webhook | 2 webhooks lead to |
webhook rewritten | broken webhook | rewrites what GitLab sends |
webhook without secret | broken webhook | GitLab has no secret token for it |
webhook without signing token | broken webhook | GitLab has no signing token for it |
GitLab that does not sign | broken webhook | GitLab 18.9 does not sign (19.0 does), and there is no secret |
wrong secret | broken webhook | this service refused the last delivery |
deliveries fail | warning webhook | the last delivery was not answered well (500) |
webhook trusts all | warning webhook | does not check the certificate | +public address
label missing | broken labels | missing: SLA::breached |
label in another case | broken labels | missing: Segment::MM_East |
label in another colour | warning labels | colour or description differ: SLA::breached |
label not described | warning labels | colour or description differ: SLA::breached |
label retired | warning labels | stands for proposal::SOW_WIP (retired)  → psplan setup --migrate-labels |
label for none | warning labels | proposal::Scoping stands for no label |
label like one | warning labels | Intake::Stafing is like Intake::Staffing |
label of a group | warning labels | SLA::breached is a label of a group |
no board | warning boards | missing: “PS Plan: Scoping”, “PS Plan: Scheduling” |
column missing | warning boards | columns are missing: proposal::On_hold on “PS Plan: Scoping” |
columns in another order | warning boards | not in the order of the track: “PS Plan: Scheduling” |
no repository | not configured issue templates | skipped: the project has no repository |
repository ill | not configured issue templates | skipped: GitLab shows no repository (GitLab answered 503 |
form missing | warning issue templates | services-request.md is missing |
form of a person | warning issue templates | was changed by a person |
form old | warning issue templates | services-request.md is old |
unknown user | broken people | there is no user @nobody-here (routing.account_team.sam) |
user who is no member | warning people | @petra is no member of the project |
unknown group | broken people | the bot sees no group ps/nobody (roles.pc) |
empty group | warning people | the group ps/empty has no members (roles.pc) |
group that hides its members | broken people | members of the group ps/empty cannot be read: GitLab answered 403 |
database is none | broken database | it cannot be written (file is not a database) |
no place for a database | broken database | nothing can be made in /etc/hostname |
newer database | broken database | of a newer psplan (9999 |
older database | warning database | its tables are older (0003 |
public address dead | broken public address | http://127.0.0.1:9 does not answer | +webhook
public address of others | broken public address | answered 200, and not as psplan does |
no public address | not configured public address | PSPLAN_PUBLIC_URL is not set |
application without secret | broken settings | PSPLAN_OAUTH_CLIENT_SECRET is missing | pages
no application | not configured pages | the pages are off |
mail server away | broken mail | the mail server does not answer (ConnectionRefusedError) |
mail server of no kind | broken settings | PSPLAN_SMTP_URL is wrong: must begin with smtps:// | mail
mail from nowhere | broken settings | PSPLAN_SMTP_FROM is missing: PSPLAN_SMTP_URL is set | mail
"""
GROUPS = {
    "BEHIND_GITLAB": "clock, bot's token, bot's role, operator's token, project, webhook, labels, boards, "
    "issue templates, people",
    "BEHIND_PROJECT": "bot's role, operator's token, webhook, labels, boards, issue templates, people",
    "BEHIND_METHODOLOGY": "catalogue, webhook, labels, boards, issue templates, people",
}
ROWS = [tuple(cell.strip() for cell in line.split("|")) for line in TOLD.strip().splitlines()]


def test_every_wrong_thing_has_its_words() -> None:
    assert [row[0] for row in ROWS] == list(WRONG)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_wrong_is_told_and_nothing_else(row: tuple[str, ...], ready: Desk) -> None:
    name, told, words, *behind = row
    WRONG[name](ready)
    ran = ready.psplan("doctor", "--json")
    found = [(f"{each['state']} {each['subject']}", f"{each['reason']}  → {each['mend']}") for each in ran.json]
    assert [reason for head, reason in found if head == told and words in reason], found
    listed = ",".join(behind)
    for group, members in GROUPS.items():
        listed = listed.replace(group, members)
    names = [each.strip() for each in listed.split(",") if each.strip()]
    subject = next(each["subject"] for each in ran.json if told.endswith(each["subject"]))
    bad = {each["subject"] for each in ran.json if each["state"] in {"broken", "warning"}}
    unseen = {each["subject"] for each in ran.json if each["state"] == "not checked"}
    assert bad - {subject} == {each[1:] for each in names if each.startswith("+")}
    assert unseen == {each for each in names if not each.startswith("+")}
    assert ran.code == int(any(each["state"] == "broken" for each in ran.json))
