"""Who may post: secret token, Standard Webhooks signature, bearer; several live secrets, constant time, no I/O.

The signature's time window (five minutes) is the `standardwebhooks` package's own. Nothing is said about why a request
was refused: the reason goes to the metrics, not to the stranger.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SLACK_WINDOW_S = 300
"""So far may Slack's clock and ours be apart, and so old may a request be."""


class Keyring:
    """Live signing keys; any one of them vouches."""

    def __init__(self, keys: Iterable[SecretStr]) -> None:
        texts = [key.get_secret_value() for key in keys]
        self._hooks = [Webhook(text) for text in texts]
        self._texts = [text.encode() for text in texts]

    def __bool__(self) -> bool:
        return bool(self._hooks)

    def signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the body carries a fresh signature by one of the keys (Standard Webhooks headers)."""
        return any(_is_signed(hook, headers, body) for hook in self._hooks)

    def bears(self, headers: Mapping[str, str]) -> bool:
        """Whether `Authorization: Bearer` holds one of the keys, written whole."""
        scheme, _, credential = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and any_equal(credential.strip(), self._texts)


class GitLabSecrets:
    """What proves that a delivery comes from our GitLab webhook."""

    def __init__(self, tokens: Iterable[SecretStr], signing_keys: Iterable[SecretStr]) -> None:
        self._tokens = [token.get_secret_value().encode() for token in tokens]
        self._keyring = Keyring(signing_keys)

    def may_pass(self, headers: Mapping[str, str]) -> bool:
        """Whether the headers alone do not rule the sender out; only a signature needs the body to be judged."""
        return self.goes_by_signature(headers) or any_equal(headers.get("x-gitlab-token", ""), self._tokens)

    def vouch(self, headers: Mapping[str, str], body: bytes) -> bool:
        """A signature that is there must be right; the token counts only where none was sent (GitLab before 19.0)."""
        if self.goes_by_signature(headers):
            return self._keyring.signed(headers, body)
        return any_equal(headers.get("x-gitlab-token", ""), self._tokens)

    def goes_by_signature(self, headers: Mapping[str, str]) -> bool:
        """Whether a signature decides, and so the body has to be read first."""
        return bool(self._keyring) and "webhook-signature" in headers


def any_equal(given: str, secrets: Iterable[bytes]) -> bool:
    """Whether `given` equals one of the secrets; takes the same time wherever they differ."""
    encoded = given.encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(encoded, secret) for secret in secrets]
    return any(matches)


def _is_signed(hook: Webhook, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        hook.verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        # ValueError: a body that is no UTF-8, a signature that is no base64, a list without commas
        return False
    return True


class SalesforceSecrets:
    """What proves that our Salesforce says it.

    An Outbound Message signs nothing: it bears a token, in the address or as bearer. A callout may sign, as Standard
    Webhooks do.
    """

    def __init__(self, tokens: Iterable[SecretStr], signing_keys: Iterable[SecretStr] = ()) -> None:
        self._tokens = [token.get_secret_value().encode() for token in tokens]
        self._keyring = Keyring(signing_keys)

    def __bool__(self) -> bool:
        return bool(self._tokens) or bool(self._keyring)

    def may_pass(self, headers: Mapping[str, str], given: str) -> bool:
        """Whether the headers and the address alone do not rule the sender out; `given`: the token in the address."""
        return self._goes_by_signature(headers) or self._bears(headers, given)

    def vouch(self, headers: Mapping[str, str], given: str, body: bytes) -> bool:
        """A signature that is there must be right; else a token counts."""
        if self._goes_by_signature(headers):
            return self._keyring.signed(headers, body)
        return self._bears(headers, given)

    def _goes_by_signature(self, headers: Mapping[str, str]) -> bool:
        return bool(self._keyring) and "webhook-signature" in headers

    def _bears(self, headers: Mapping[str, str], given: str) -> bool:
        scheme, _, credential = headers.get("authorization", "").partition(" ")
        borne = credential.strip() if scheme.lower() == "bearer" else ""
        return any_equal(given, self._tokens) | any_equal(borne, self._tokens)


class SlackSecrets:
    """What proves that a request comes from our app in Slack: `v0`, HMAC-SHA256 over time and body, five minutes."""

    def __init__(self, secrets: Iterable[SecretStr]) -> None:
        self._secrets = [secret.get_secret_value().encode() for secret in secrets]

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def may_pass(self, headers: Mapping[str, str], *, now: float) -> bool:
        """Whether the headers alone do not rule the sender out."""
        told = headers.get("x-slack-request-timestamp", "")
        is_number = told.isascii() and told.isdigit() and len(told) <= 12
        is_signed = headers.get("x-slack-signature", "").startswith("v0=")
        return is_signed and is_number and abs(now - int(told)) <= SLACK_WINDOW_S

    def vouch(self, headers: Mapping[str, str], body: bytes, *, now: float) -> bool:
        """Whether the body carries a fresh signature by one of the secrets."""
        if not self.may_pass(headers, now=now):
            return False
        base = b"v0:" + headers["x-slack-request-timestamp"].encode() + b":" + body
        signatures = [b"v0=" + hmac.new(each, base, hashlib.sha256).hexdigest().encode() for each in self._secrets]
        return any_equal(headers["x-slack-signature"], signatures)
