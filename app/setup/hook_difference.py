"""The webhook: whether there is one that leads here, and what is wrong with it (pure).

GitLab never shows a secret. Whether one is there it tells from 19.0 on; whether it is the right one is seen by the last
answer that a delivery got.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from app.ports import Hook
from app.setup.changes import (
    Change,
    ChangeHook,
    CreateHook,
    Difference,
    Gravity,
    Part,
    Remark,
    RenewSecret,
    TestHook,
    shown,
)
from app.setup.desired import EVENTS, WantedHook

SIGNS_FROM: Final = (19, 0)
"""The release from which GitLab signs; an older one ignores a signing token without a word."""
NO_URL: Final = "PSPLAN_PUBLIC_URL is not set, so GitLab cannot be told where to send"
SET_URL: Final = "set PSPLAN_PUBLIC_URL and run psplan setup"

REFUSED: Final = "this service refused the last delivery (401)"


@dataclass(frozen=True, slots=True)
class SeenHooks:
    """The webhooks of the project, and what the newest delivery of some was answered with, by number."""

    hooks: Sequence[Hook]
    release: tuple[int, int]
    answers: Mapping[int, str | None] = field(default_factory=dict)


def is_ours(hook: Hook, wanted: WantedHook) -> bool:
    """Whether a webhook leads to this service; where nobody said how that is reached, to one of our kind."""
    if wanted.url is None:
        return leads_to_our_kind(hook, wanted)
    return hook.url.rstrip("/").lower() == wanted.url.lower()


def leads_to_our_kind(hook: Hook, wanted: WantedHook) -> bool:
    """Whether its address ends as ours does."""
    return urlsplit(hook.url).path.rstrip("/").lower().endswith(wanted.path)


def hook_difference(wanted: WantedHook, seen: SeenHooks, *, renews_secret: bool = False) -> Difference:
    """`renews_secret`: the secret is to be set whatever GitLab tells of it."""
    ours = [hook for hook in seen.hooks if is_ours(hook, wanted)]
    elsewhere = [hook for hook in seen.hooks if hook not in ours and leads_to_our_kind(hook, wanted)]
    remarks = [*_secrets(wanted, seen), *(_elsewhere(hook) for hook in elsewhere)]
    if not ours:
        if wanted.url is None:
            return Difference(remarks=(_no_url(), *remarks))
        made = [] if _is_deaf(wanted, seen) else [CreateHook(wanted.url)]
        return Difference(tuple(made), tuple(remarks))
    hook = ours[0]
    remarks += _oddities(hook, ours[1:], seen)
    changes = tuple(_changes(hook, wanted, seen, renews_secret=renews_secret))
    if wanted.url is None:  # others end their addresses so as well: it may be somebody else's
        remarks += [Remark(Part.WEBHOOK, each.describe(), SET_URL, each.gravity) for each in changes]
        changes = ()
    return Difference(changes, tuple(remarks), f"to {shown(hook.url)}, with its four events")


def _no_url() -> Remark:
    return Remark(Part.WEBHOOK, NO_URL, SET_URL, gravity=Gravity.GRAVE)


def _changes(hook: Hook, wanted: WantedHook, seen: SeenHooks, *, renews_secret: bool) -> Iterator[Change]:
    wrong = tuple(_wrong(hook))
    if wrong:
        yield ChangeHook(hook.id, hook.url, wrong, gravity=Gravity.BLEMISH if hook.events >= EVENTS else Gravity.GRAVE)
    why = "it was asked for" if renews_secret else _why_renewed(hook, wanted, seen)
    if why is not None and not _is_deaf(wanted, seen):
        # what a delivery was answered with is seen by the next one only
        yield RenewSecret(hook.id, hook.url, why, is_seen_at_once=why != REFUSED)
    if hook.is_disabled:
        yield TestHook(hook.id, hook.url)


def _wrong(hook: Hook) -> Iterator[str]:
    lacking = EVENTS - hook.events
    if lacking:
        yield f"does not send {_listed(lacking)}"
    if hook.events - EVENTS:
        yield f"sends {_listed(hook.events - EVENTS)}, which nobody here reads"
    if not hook.checks_certificates and hook.url.lower().startswith("https:"):
        yield "does not check the certificate"


def _listed(events: frozenset[str]) -> str:
    return ", ".join(name.removesuffix("_events").replace("_", " ") for name in sorted(events))


def _why_renewed(hook: Hook, wanted: WantedHook, seen: SeenHooks) -> str | None:
    if hook.has_signing_token is False and wanted.has_signing_token:
        return "GitLab has no signing token for it"
    if hook.has_token is False and wanted.has_token and not hook.has_signing_token:
        return "GitLab has no secret token for it"
    if seen.answers.get(hook.id) == "401":
        return REFUSED
    return None


def _is_deaf(wanted: WantedHook, seen: SeenHooks) -> bool:
    """Whether this GitLab could send with no secret that is accepted here."""
    return not wanted.has_token and seen.release < SIGNS_FROM


def _secrets(wanted: WantedHook, seen: SeenHooks) -> Iterator[Remark]:
    if not wanted.has_signing_token or seen.release >= SIGNS_FROM:
        return
    version = ".".join(map(str, seen.release))
    if wanted.has_token:
        words = f"GitLab {version} does not sign (19.0 does): the secret token is what counts"
        yield Remark(Part.WEBHOOK, words, gravity=Gravity.NOTE)
    else:
        words = f"GitLab {version} does not sign (19.0 does), and there is no secret token"
        yield Remark(Part.WEBHOOK, words, "set PSPLAN_WEBHOOK_TOKENS", gravity=Gravity.GRAVE)


def _elsewhere(hook: Hook) -> Remark:
    words = f"another webhook leads to {shown(hook.url)}"
    return Remark(Part.WEBHOOK, words, "delete it in GitLab if no service is there any more")


def _oddities(hook: Hook, doubles: Sequence[Hook], seen: SeenHooks) -> Iterator[Remark]:
    if doubles:
        words = f"{len(doubles) + 1} webhooks lead to {shown(hook.url)}: every event comes as often"
        yield Remark(Part.WEBHOOK, words, "delete all but one in GitLab")
    if hook.rewrites_body:
        words = "a template of the webhook rewrites what GitLab sends, so that nobody understands it"
        yield Remark(Part.WEBHOOK, words, "delete its custom template in GitLab", gravity=Gravity.GRAVE)
    answer = seen.answers.get(hook.id)
    if answer is not None and answer != "401" and not (answer.isdigit() and int(answer) < 400):
        words = f"the last delivery was not answered well ({answer})"
        yield Remark(Part.WEBHOOK, words, f"is psplan serve running, and does GitLab reach {shown(hook.url)}?")
