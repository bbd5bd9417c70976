"""Environment, `.env` and secret files → Settings; what is wrong is refused by name, with an example.

A secret may come as `PSPLAN_X` or as a file named by `PSPLAN_X_FILE` (never both): Kubernetes and Docker mount
secrets as files.
Comma separated secrets are all live at once, so that each can be rotated without a refused request.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from app.chat_form import ChatForm
from app.mail_server import mail_server

PREFIX = "PSPLAN_"
SHORTEST_KEY_BYTES = 8
LIMITED = ("api", "issues", "members", "notes", "search")
"""The kinds of calls that GitLab limits apart from each other; `api` counts every request."""
STRONG_KEY_BYTES = 24  # what Standard Webhooks asks for; shorter ones work, and the start says so

EXAMPLES = {
    "gitlab_url": "https://gitlab.example.com",
    "gitlab_token": "glpat-…",
    "gitlab_admin_token": "glpat-…",
    "gitlab_limits": "notes=300,issues=300",
    "project": "ps/ps-plan",
    "public_url": "https://psplan.example.com",
    "webhook_tokens": "a-long-random-string",
    "webhook_signing_keys": "whsec_<base64 of 32 random bytes>",
    "calculator_keys": "whsec_<base64 of 32 random bytes>",
    "record_keys": "whsec_<base64 of 32 random bytes>",
    "calculator_origins": "https://calculator.example.com",
    "database_url": "sqlite:///psplan.sqlite3",
    "methodology": "/etc/psplan/methodology.yaml",
    "templates": "/etc/psplan/issue_templates",
    "catalogue": "/etc/psplan/catalogue.yaml",
    "sweep_interval_s": "300",
    "keep_days": "30",
    "gitlab_timeout_s": "20",
    "grace_s": "15",
    "workers": "8",
    "stall_limit_s": "20",
    "log_format": "json",
    "slack_token": "xoxb-…",
    "slack_signing_secrets": "the app's signing secret",
    "slack_webhook_url": "https://hooks.slack.com/services/…",
    "slack_api_url": "https://slack.com/api",
    "oauth_client_id": "the application's id",
    "oauth_client_secret": "the application's secret",
    "smtp_url": "smtps://user:password@smtp.example.com",
    "smtp_from": "ps-plan@example.com",
    "salesforce_webhook_tokens": "a-long-random-string",
    "salesforce_signing_keys": "whsec_<base64 of 32 random bytes>",
    "salesforce_organization_id": "00D5g000004abcdEAA",
    "salesforce_url": "https://example.my.salesforce.com",
    "salesforce_client_id": "the connected app's consumer key",
    "salesforce_client_secret": "the connected app's consumer secret",
    "salesforce_private_key": "-----BEGIN PRIVATE KEY-----…",
    "salesforce_username": "ps-plan-bot@example.com",
}


_POSTGRESQL = ("postgresql://", "postgres://")


class SettingsFault(Exception):
    """One sentence for the operator: the setting, what is wrong with it, and a right example."""


def _split(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class _Environment(BaseSettings):
    """How settings are read: arguments, then secret files, then environment, then `.env`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order in which sources win."""
        return init_settings, _SecretFiles(settings_cls), env_settings, dotenv_settings


class DatabaseSettings(_Environment):
    """What is needed to look into the database."""

    database_url: str = Field("sqlite:///psplan.sqlite3", description="Where the inbox and the journal live")

    @field_validator("database_url")
    @classmethod
    def _is_known_database(cls, value: str) -> str:
        is_file = value.startswith("sqlite:///") and value != "sqlite:///" and ":memory:" not in value
        if not is_file and not value.startswith(_POSTGRESQL):
            raise ValueError("must be sqlite:/// and the path of a file, or postgresql:// and what PostgreSQL takes")
        return value

    @property
    def is_shared(self) -> bool:
        """Whether several replicas may work with this database: it is PostgreSQL."""
        return self.database_url.startswith(_POSTGRESQL)

    @property
    def database_name(self) -> str:
        """What the log calls it: no user, no password."""
        return urlsplit(self.database_url).path.lstrip("/") or "PostgreSQL" if self.is_shared else self.database_url

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return Path(self.database_url.removeprefix("sqlite:///"))


class CalculatorSettings(_Environment):
    """What a sender of submissions shares with the service."""

    public_url: str | None = Field(None, description="Where people and GitLab reach this service")
    calculator_keys: Secrets = Field((), description="Keys of the services calculator; none: that door is closed")

    @field_validator("public_url")
    @classmethod
    def _is_web_address(cls, value: str | None) -> str | None:
        return None if value is None else _web_address(value)

    @field_validator("calculator_keys")
    @classmethod
    def _are_calculator_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        return _signing_keys(keys)


class MethodologySettings(_Environment):
    """Where the process is written down."""

    methodology: Path | None = Field(None, description="Methodology file; default: the one that ships")


class CatalogueSettings(MethodologySettings):
    """Where it is written down what an estimate is made of."""

    catalogue: Path | None = Field(None, description="Activity catalogue; default: the one that ships")


class Settings(DatabaseSettings, CalculatorSettings, CatalogueSettings):
    """Everything that an operator decides; read once at the start, never changed."""

    gitlab_url: str = Field(description="Address of the GitLab instance")
    gitlab_token: SecretStr = Field(description="Token of the bot, scope `api`, role Planner or Reporter")
    project: str = Field(description="Path or id of the PS Plan project")
    webhook_tokens: Secrets = Field((), description="Secret tokens of the GitLab webhook; any one is accepted")
    webhook_signing_keys: Secrets = Field((), description="Signing keys of the GitLab webhook; any one is accepted")
    calculator_origins: Words = Field((), description="Web origins that may submit from a browser (CORS)")
    templates: Path | None = Field(None, description="Folder of issue templates; default: the ones that ship")
    record_keys: Secrets = Field((), description="Keys that sign what the bot must recognise as its own")
    oauth_client_id: str | None = Field(
        None, description="Application in GitLab with the scope `read_user`; not given: the pages are off"
    )
    oauth_client_secret: SecretStr | None = Field(None, description="Secret of that application")
    metrics_token: SecretStr | None = Field(None, description="Bearer for /metrics; not given: open")
    gitlab_admin_token: SecretStr | None = Field(
        None,
        description="Token of a Maintainer, for `setup`, `doctor`, GitLab's log of failed deliveries and healing the "
        "webhook; not given: the bot's own is tried",
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="Mail server for invitations: `smtps://` (TLS), `smtp://` (STARTTLS) or `smtp+plain://`, with user "
        "and password in it; not given: no mail is sent",
    )
    smtp_from: str | None = Field(None, description="Address that mail comes from")
    sweep_interval_s: float = Field(
        300, ge=0, description="How often GitLab is looked at for what no webhook told, seconds; 0: only when asked"
    )
    keep_days: float = Field(
        30, ge=1, description="How long bodies of deliveries are kept that were worked on, days; dead letters stay"
    )
    gitlab_timeout_s: float = Field(20, gt=0, le=300, description="Longest wait for one answer of GitLab, seconds")
    gitlab_limits: str = Field(
        "notes=60,issues=200,api=2000",
        description="Calls to GitLab within a minute, by kind; default: what gitlab.com allows; `api=0`: no limit",
    )
    grace_s: float = Field(15, ge=0, description="Wait before a creation in doubt is repeated, seconds")
    stall_limit_s: float = Field(
        20, ge=1, le=600, description="With PostgreSQL: a replica silent for so long is taken for dead, seconds"
    )
    workers: int = Field(8, ge=1, le=64, description="Engagements worked on at the same time")
    slack_token: SecretStr | None = Field(None, description="Token of the bot in Slack; not given: no bot tells there")
    slack_signing_secrets: Secrets = Field(
        (),
        description="Signing secrets of the app in Slack; any one is accepted; none: no buttons, that door is closed",
    )
    slack_webhook_url: SecretStr | None = Field(
        None, description="Incoming webhook of Slack: announcements to its one channel; instead of a bot"
    )
    slack_api_url: str = Field("https://slack.com/api", description="Address of Slack's web API")
    salesforce_webhook_tokens: Secrets = Field(
        (), description="Tokens in what Salesforce sends (`?token=` or bearer); any one; none: that door is closed"
    )
    salesforce_signing_keys: Secrets = Field(
        (), description="Signing keys of what calls out of Salesforce (Standard Webhooks); any one is accepted"
    )
    salesforce_organization_id: str | None = Field(
        None, description="Id of the organisation; an Outbound Message of any other one is refused"
    )
    salesforce_url: str | None = Field(
        None, description="My Domain of Salesforce; not given: stages come in and nothing is read or written there"
    )
    salesforce_client_id: str | None = Field(None, description="Consumer key of the connected app in Salesforce")
    salesforce_client_secret: SecretStr | None = Field(
        None, description="Its secret: the login by client credentials; or, instead of it, private key and user name"
    )
    salesforce_private_key: SecretStr | None = Field(
        None, description="RSA key (PEM) whose certificate the connected app has: the login by JWT bearer"
    )
    salesforce_username: str | None = Field(None, description="Whom the login by JWT bearer is for")
    log_format: str = Field("auto", pattern="^(auto|json|console)$", description="`json`, `console`, or by terminal")

    @field_validator("gitlab_url", "slack_api_url")
    @classmethod
    def _is_gitlab_address(cls, value: str) -> str:
        return _web_address(value)

    @field_validator("slack_webhook_url")
    @classmethod
    def _is_webhook(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _web_address(value.get_secret_value())
        return value

    @field_validator("salesforce_url")
    @classmethod
    def _is_my_domain(cls, value: str | None) -> str | None:
        return None if value is None else _web_address(value)

    @field_validator("salesforce_organization_id")
    @classmethod
    def _is_organization(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"00D[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?", value):
            raise ValueError("must be an organisation's id of 15 or 18 characters, which begins with 00D")
        return value

    @field_validator("gitlab_limits")
    @classmethod
    def _are_limits(cls, value: str) -> str:
        _limits(value)
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            mail_server(value.get_secret_value())
        return value

    @field_validator("smtp_from")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", value, re.ASCII):
            raise ValueError("must be one plain address, without a name")
        return value

    @field_validator("webhook_tokens")
    @classmethod
    def _are_tokens(cls, tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(any(letter.isspace() for letter in token.get_secret_value()) for token in tokens):
            raise ValueError("a token holds no blanks (is there a comment behind it, on the same line?)")
        return tokens

    @field_validator("webhook_signing_keys", "record_keys", "salesforce_signing_keys")
    @classmethod
    def _are_signing_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        return _signing_keys(keys)

    @property
    def gitlab_calls_per_minute(self) -> dict[str, int]:
        """The limits by kind of call; zero and absent are no limit."""
        return _limits(self.gitlab_limits)

    @property
    def chat_form(self) -> ChatForm:
        """In which form people are told in Slack."""
        if self.slack_token is not None:
            return ChatForm.BUTTONS if self.slack_signing_secrets else ChatForm.BOT
        return ChatForm.OFF if self.slack_webhook_url is None else ChatForm.WEBHOOK

    def weak_keys(self) -> list[str]:
        """Names of settings that hold a key shorter than Standard Webhooks advises."""
        named = ("webhook_signing_keys", "calculator_keys", "record_keys", "salesforce_signing_keys")
        return [
            PREFIX + n.upper() for n in named if any(len(key_bytes(k)) < STRONG_KEY_BYTES for k in getattr(self, n))
        ]

    def secret_values(self) -> list[str]:
        """Every secret as text, for the log's redaction."""
        values: list[str] = []
        for name in secret_names(type(self)):
            held = getattr(self, name)
            for secret in held if isinstance(held, tuple) else (held,):
                if secret is not None:
                    values.append(secret.get_secret_value())
        if self.is_shared and (password := urlsplit(self.database_url).password):
            values.append(unquote(password))
        if self.smtp_url is not None and (secret := mail_server(self.smtp_url.get_secret_value()).password):
            values.append(secret)
        return values


def secret_names(settings: type[BaseSettings]) -> list[str]:
    """The fields that hold secrets, by their type."""
    return sorted(name for name, f in settings.model_fields.items() if "SecretStr" in str(f.annotation))


def _web_address(value: str) -> str:
    scheme, _, rest = value.partition("://")
    if scheme not in {"https", "http"} or not rest.strip("/"):
        raise ValueError("must begin with https:// or http:// and name a host")
    if "@" in rest.partition("/")[0]:
        raise ValueError("holds a user or password: addresses are shown, secrets have settings of their own")
    return value.rstrip("/")


def _limits(text: str) -> dict[str, int]:
    pairs = [part.partition("=") for part in text.replace(" ", "").split(",") if part]
    for kind, _, number in pairs:
        if kind not in LIMITED or not (number.isascii() and number.isdigit()):
            raise ValueError(f"must be kind=number, with commas between; kinds are {', '.join(LIMITED)}")
    return {kind: int(number) for kind, _, number in pairs}


def _signing_keys(keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    for place, key in enumerate(keys, start=1):
        if len(key_bytes(key)) < SHORTEST_KEY_BYTES:
            raise ValueError(f"key {place} must be whsec_ and the base64 of at least {SHORTEST_KEY_BYTES} bytes")
    return keys


class _SecretFiles(PydanticBaseSettingsSource):
    """`PSPLAN_X_FILE` names a file that holds the secret X."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        words = words_given()
        # what is given as an argument needs no file
        names = [name for name in secret_names(self.settings_cls) if name not in self.current_state]
        held = {name: secret_file(name, words) for name in names}
        return {name: secret for name, secret in held.items() if secret is not None}


def words_given() -> dict[str, str | None]:
    """What the environment and `.env` say."""
    return {**dotenv_values(".env"), **os.environ}


def secret_path(name: str, words: Mapping[str, str | None]) -> Path | None:
    """The file that is named for a secret."""
    path = words.get(f"{PREFIX}{name.upper()}_FILE")
    return Path(path) if path else None


def secret_file(name: str, words: Mapping[str, str | None]) -> str | None:
    """The secret in the file that is named for it; None where none is named. Raises SettingsFault."""
    setting = PREFIX + name.upper()
    path = secret_path(name, words)
    if path is None:
        return None
    if words.get(setting):
        raise SettingsFault(f"{setting} and {setting}_FILE are both set: keep one of them.")
    return read_secret(name, path)


def read_secret(name: str, path: Path) -> str:
    """The secret in a file. Raises SettingsFault where there is none."""
    setting = f"{PREFIX}{name.upper()}_FILE"
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or "is not text"
        raise SettingsFault(f"{setting}: {path} cannot be read ({reason}).") from fault
    if not secret.strip(" ,"):
        raise SettingsFault(f"{setting}: {path} is empty.")
    return secret


def with_secret(settings: Settings, name: str, text: str) -> Settings:
    """The same with another secret. Raises SettingsFault where it is malformed."""
    held = {each: getattr(settings, each) for each in type(settings).model_fields}
    return load_part(Settings, _env_file=None, **{**held, name: text})


def key_bytes(key: SecretStr) -> bytes:
    """The raw bytes of a `whsec_…` key; empty where it is none."""
    text = key.get_secret_value()
    if not text.startswith("whsec_"):
        return b""
    try:
        return base64.b64decode(text.removeprefix("whsec_") + "==", validate=False)
    except binascii.Error:
        return b""


S = TypeVar("S", bound=_Environment)


def load_settings(**given: Any) -> Settings:
    """All settings, from arguments, secret files, environment and `.env`, in this order of strength.

    Raises SettingsFault, one sentence, for the first setting that is missing or wrong.
    """
    settings = load_part(Settings, **given)
    for _, words in lacking(settings):
        raise SettingsFault(words)
    return settings


def _lacking_for_salesforce(settings: Settings) -> Iterator[tuple[str, str]]:
    """A login is either by secret or by key; whoever names one part of it means the whole."""
    by_key = settings.salesforce_private_key or settings.salesforce_username
    named = settings.salesforce_client_id or settings.salesforce_client_secret or by_key
    if settings.salesforce_url is None and not named:
        return
    wanted = ["salesforce_url", "salesforce_client_id"]
    wanted += ["salesforce_private_key", "salesforce_username"] if by_key else ["salesforce_client_secret"]
    for name in wanted:
        if getattr(settings, name) is None:
            setting = PREFIX + name.upper()
            yield (
                name,
                f"{setting} is missing: the login to Salesforce needs {', '.join(PREFIX + n.upper() for n in wanted)}. "
                f"Example: {setting}={EXAMPLES[name]}",
            )


def lacking(settings: Settings) -> Iterator[tuple[str, str]]:
    """What is missing beside what each setting says of itself: the setting, and a sentence."""
    if not settings.webhook_tokens and not settings.webhook_signing_keys:
        yield (
            "webhook_tokens",
            "PSPLAN_WEBHOOK_TOKENS is missing: without a GitLab webhook secret anybody could post events "
            "(PSPLAN_WEBHOOK_SIGNING_KEYS serves as well). "
            f"Example: PSPLAN_WEBHOOK_TOKENS={EXAMPLES['webhook_tokens']}",
        )
    if settings.is_shared and not settings.record_keys:
        yield (
            "record_keys",
            "PSPLAN_RECORD_KEYS is missing: replicas on PostgreSQL have to recognise what any of them signed, so that "
            f"none can make a key for itself. Example: PSPLAN_RECORD_KEYS={EXAMPLES['record_keys']}",
        )
    if settings.slack_webhook_url is not None and settings.slack_token is not None:
        yield (
            "slack_webhook_url",
            "PSPLAN_SLACK_WEBHOOK_URL and PSPLAN_SLACK_TOKEN are both set: keep the token, a bot can do more.",
        )
    if settings.slack_signing_secrets and settings.slack_token is None:
        yield (
            "slack_token",
            "PSPLAN_SLACK_TOKEN is missing: PSPLAN_SLACK_SIGNING_SECRETS is set, and only a bot's messages have "
            f"buttons. Example: PSPLAN_SLACK_TOKEN={EXAMPLES['slack_token']}",
        )
    if settings.smtp_url is not None and settings.smtp_from is None:
        yield (
            "smtp_from",
            "PSPLAN_SMTP_FROM is missing: PSPLAN_SMTP_URL is set, and mail comes from an address. "
            f"Example: PSPLAN_SMTP_FROM={EXAMPLES['smtp_from']}",
        )
    yield from _lacking_for_salesforce(settings)
    if settings.oauth_client_id is not None:
        for name in ("oauth_client_secret", "public_url"):
            if getattr(settings, name) is None:
                setting = PREFIX + name.upper()
                yield (
                    name,
                    f"{setting} is missing: PSPLAN_OAUTH_CLIENT_ID is set, and the login to the pages needs both. "
                    f"Example: {setting}={EXAMPLES[name]}",
                )


def load_part(part: type[S], **given: Any) -> S:
    """Only some settings, for commands that need no more. Raises SettingsFault."""
    try:
        return part(**given)
    except ValidationError as fault:
        raise SettingsFault(sentence(fault.errors(include_url=False, include_input=False)[0])) from fault


def sentence(error: ErrorDetails) -> str:
    """What is wrong with one setting, and a right example."""
    name = str(error["loc"][0])
    what = "is missing" if error["type"] == "missing" else "is wrong: " + error["msg"].removeprefix("Value error, ")
    setting = PREFIX + name.upper()
    return f"{setting} {what}. Example: {setting}={EXAMPLES.get(name, '…')}"
