"""Settings: what is read, what is refused, and in which words."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from app.settings import SettingsFault, load_settings
from app.settings_survey import survey

KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
COMPLETE = {
    "PSPLAN_GITLAB_URL": "https://gitlab.example.com/",
    "PSPLAN_GITLAB_TOKEN": "glpat-secret-value",
    "PSPLAN_GITLAB_ADMIN_TOKEN": "glpat-maintainer",
    "PSPLAN_PROJECT": "ps/ps-plan",
    "PSPLAN_WEBHOOK_TOKENS": "hook-one, hook-two",
    "PSPLAN_CALCULATOR_KEYS": KEY,
    "PSPLAN_SMTP_URL": "smtps://bot:p%40ss@mail.example.com",
    "PSPLAN_SMTP_FROM": "ps-plan@example.com",
}


@pytest.fixture(autouse=True)
def _only_these(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)


def test_several_secrets_live_at_once_and_addresses_lose_their_last_slash() -> None:
    settings = load_settings()
    assert [s.get_secret_value() for s in settings.webhook_tokens] == ["hook-one", "hook-two"]
    assert settings.gitlab_url == "https://gitlab.example.com"


def test_a_dotenv_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PSPLAN_PROJECT")
    (tmp_path / ".env").write_text("PSPLAN_PROJECT=from/dotenv\nPSPLAN_GITLAB_URL=https://other.example.com\n")
    settings = load_settings()
    assert (settings.project, settings.gitlab_url) == ("from/dotenv", "https://gitlab.example.com")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("PSPLAN_GITLAB_TOKEN", "gitlab_token"),
        ("PSPLAN_GITLAB_ADMIN_TOKEN", "gitlab_admin_token"),
        ("PSPLAN_WEBHOOK_TOKENS", "webhook_tokens"),
        ("PSPLAN_CALCULATOR_KEYS", "calculator_keys"),
        ("PSPLAN_SMTP_URL", "smtp_url"),
    ],
)
def test_every_secret_may_come_as_a_file(
    name: str, field: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(COMPLETE[name] + "\n")
    monkeypatch.delenv(name)
    monkeypatch.setenv(name + "_FILE", str(secret))
    given, expected = getattr(load_settings(), field), COMPLETE[name].split(", ")
    values = [s.get_secret_value() for s in (given if isinstance(given, tuple) else (given,))]
    assert values == expected


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PSPLAN_GITLAB_URL", None, "is missing"),
        ("PSPLAN_GITLAB_URL", "gitlab.example.com", "must begin with https:// or http://"),
        ("PSPLAN_SMTP_URL", "mail.example.com:25", "must begin with smtps://, smtp://, smtp+plain://"),
        ("PSPLAN_SMTP_URL", "smtps://bot:p/ss@mail.example.com", "in a password, / ? # are written %2F %3F %23"),
        ("PSPLAN_SMTP_URL", "smtps://bot:hunter2", "has no number for a port"),
        ("PSPLAN_SMTP_URL", "smtps://bot@mail.example.com", "has a user and a password, or neither"),
        ("PSPLAN_SMTP_URL", "smtp+plain://bot:hunter2@relay", "would send the password unencrypted"),
        ("PSPLAN_SMTP_FROM", None, "PSPLAN_SMTP_URL is set, and mail comes from an address"),
        ("PSPLAN_SMTP_FROM", "PS Plan <ps@example.com>", "must be one plain address"),
        ("PSPLAN_GITLAB_URL", "https://oauth2:secret@gitlab.example.com", "holds a user or password"),
        ("PSPLAN_GITLAB_LIMITS", "notes", "must be kind=number"),
        ("PSPLAN_GITLAB_LIMITS", "notes=60,comments=3", "kinds are api, issues, members, notes, search"),
        ("PSPLAN_GITLAB_LIMITS", "notes=-1", "must be kind=number"),
        ("PSPLAN_GITLAB_TOKEN", None, "is missing"),
        ("PSPLAN_GITLAB_TOKEN", "", "is missing"),
        ("PSPLAN_PROJECT", None, "is missing"),
        ("PSPLAN_WEBHOOK_TOKENS", None, "without a GitLab webhook secret anybody could post"),
        ("PSPLAN_WEBHOOK_TOKENS", " , ", "without a GitLab webhook secret anybody could post"),
        ("PSPLAN_WEBHOOK_TOKENS", "abc   # the webhook's", "a token holds no blanks"),
        ("PSPLAN_CALCULATOR_KEYS", "not-a-key", "key 1 must be whsec_"),
        ("PSPLAN_CALCULATOR_KEYS", f"{KEY},whsec_", "key 2 must be whsec_"),
        ("PSPLAN_DATABASE_URL", "mysql://x", "must be sqlite:///"),
        ("PSPLAN_DATABASE_URL", "sqlite:///:memory:", "must be sqlite:///"),
        ("PSPLAN_DATABASE_URL", "postgres+x://y", "or postgresql://"),
        ("PSPLAN_WORKERS", "many", "valid integer"),
    ],
)
def test_a_missing_or_wrong_setting_is_named_with_an_example(
    name: str, value: str | None, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsFault) as fault:
        load_settings()
    sentence = str(fault.value)
    assert name in sentence
    assert says in sentence
    assert f"Example: {name}=" in sentence
    assert "\n" not in sentence


def test_a_refusal_never_shows_the_value_of_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSPLAN_CALCULATOR_KEYS", "canary-secret")
    with pytest.raises(SettingsFault) as fault:
        load_settings()
    assert "canary" not in str(fault.value)


def test_a_secret_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PSPLAN_GITLAB_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(SettingsFault, match="are both set"):
        load_settings()


def test_a_secret_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PSPLAN_GITLAB_TOKEN")
    monkeypatch.setenv("PSPLAN_GITLAB_TOKEN_FILE", str(tmp_path / "absent"))
    with pytest.raises(SettingsFault, match="PSPLAN_GITLAB_TOKEN_FILE.*cannot be read"):
        load_settings()


@pytest.mark.parametrize("text", ["", "\n", " , "])
def test_an_empty_secret_file_is_no_secret(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PSPLAN_METRICS_TOKEN_FILE", str(tmp_path / "token"))
    (tmp_path / "token").write_text(text)
    with pytest.raises(SettingsFault, match=r"PSPLAN_METRICS_TOKEN_FILE: .* is empty\."):
        load_settings()


def test_short_keys_work_and_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSPLAN_CALCULATOR_KEYS", "whsec_" + base64.b64encode(b"0123456789").decode())
    assert load_settings().weak_keys() == ["PSPLAN_CALCULATOR_KEYS"]


def test_the_log_is_told_every_secret() -> None:
    values = load_settings().secret_values()
    assert {"p@ss", COMPLETE["PSPLAN_SMTP_URL"]} <= set(values)
    assert {"glpat-secret-value", "glpat-maintainer", "hook-one", "hook-two", KEY} <= set(values)


@pytest.mark.parametrize(
    ("given", "means"),
    [
        ("notes=60, issues=200,api=2000", {"notes": 60, "issues": 200, "api": 2000}),
        ("api=0", {"api": 0}),
        ("", {"notes": 60, "issues": 200, "api": 2000}),
    ],
)
def test_limits_are_told_by_kind(given: str, means: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSPLAN_GITLAB_LIMITS", given)
    assert load_settings().gitlab_calls_per_minute == means


# All faults at once


def test_a_survey_tells_every_fault_and_has_values_to_go_on_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {"PROJECT": "", "WORKERS": "many", "PUBLIC_URL": "x", "METRICS_TOKEN_FILE": "/nowhere"}.items():
        monkeypatch.setenv(f"PSPLAN_{name}", value)
    monkeypatch.setenv("PSPLAN_METRICS_TOKEN", "")
    (tmp_path / ".env").write_text("PSPLAN_GITLAB_TOKN=x\nPSPLAN_NOVELTY=y\n")
    found = survey()
    assert set(found.faults) == {"project", "workers", "public_url", "metrics_token"}
    assert all(words.startswith("PSPLAN_") for words in found.faults.values())
    assert (found.settings.gitlab_url, found.settings.workers) == ("https://gitlab.example.com", 8)
    assert found.unknown == {"PSPLAN_GITLAB_TOKN": "PSPLAN_GITLAB_TOKEN", "PSPLAN_NOVELTY": None}


def test_a_survey_of_nothing_at_all_ends_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in COMPLETE:
        monkeypatch.delenv(name)
    assert set(survey().faults) == {"gitlab_url", "gitlab_token", "project", "webhook_tokens"}


def test_what_the_settings_are_in_order_with_has_no_fault() -> None:
    assert (survey().faults, survey().unknown) == ({}, {})
