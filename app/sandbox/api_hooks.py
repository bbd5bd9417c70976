"""REST: webhooks, their delivery log, test and resend (all for Maintainers)."""

from __future__ import annotations

from typing import Any

import orjson

from app.sandbox.clockwork import iso
from app.sandbox.dispatch import Outcome
from app.sandbox.hook_shapes import Json
from app.sandbox.paging import paged
from app.sandbox.records import AccessLevel, Hook, HookLog
from app.sandbox.refusals import Refused, too_many
from app.sandbox.routing import Answer, Call, Pending, Routes, check_project, truth
from app.sandbox.state import PROJECT_ID
from app.sandbox.webhooks import EVENT_NAMES
from app.sandbox.world import World

routes = Routes()
HOOKS = "/projects/{project}/hooks"
HOOK = HOOKS + "/{hook}"
MOST_EVENTS_PER_PAGE = 20
TRIES_PER_MIN = 5
RETRY_AFTER_S = 60


@routes.on("GET", HOOKS)
def list_hooks(call: Call) -> Answer:
    """The hooks of the project."""
    _maintainer(call)
    return paged(call, list(call.world.hooks.values()), lambda hook: hook_json(call.world, hook))


@routes.on("POST", HOOKS)
def create_hook(call: Call) -> Answer:
    """Make a hook."""
    _maintainer(call)
    hook = call.world.add_hook(call.user, str(call.required("url")), **_settings(call))
    return Answer(201, hook_json(call.world, hook, is_single=True))


@routes.on("GET", HOOK)
def read_hook(call: Call) -> Answer:
    """One hook with its health; neither token is ever shown."""
    return Answer(200, hook_json(call.world, _hook(call), is_single=True))


@routes.on("PUT", HOOK)
def edit_hook(call: Call) -> Answer:
    """Change a hook; the URL is required by GitLab's documentation only."""
    settings = _settings(call)
    if "url" in call.params:
        settings["url"] = str(call.params["url"])
    hook = call.world.edit_hook(call.user, _hook(call).id, **settings)
    return Answer(200, hook_json(call.world, hook, is_single=True))


@routes.on("DELETE", HOOK)
def delete_hook(call: Call) -> Answer:
    """Delete a hook."""
    call.world.remove_hook(call.user, _hook(call).id)
    return Answer(204)


@routes.on("GET", HOOK + "/events")
def list_deliveries(call: Call) -> Answer:
    """The delivery log of the last seven days, newest first, at most 20 a page."""
    wanted = call.text("status")
    rows = [entry for entry in call.world.hook_log(call.user, _hook(call).id) if _has_status(entry, wanted)]
    return paged(call, rows, delivery_json, most_per_page=MOST_EVENTS_PER_PAGE)


@routes.on("POST", HOOK + "/events/{event}/resend")
def resend(call: Call) -> Pending:
    """Send a logged delivery once more; answers when it has arrived."""
    hook = _hook(call)
    _spend_try(call, "resend")
    outcome = call.world.resend(call.user, hook.id, call.number("event"))
    return Pending(outcome, lambda told: Answer(201, {"response_status": told.status or "internal error"}))


@routes.on("POST", HOOK + "/test/{trigger}")
def test_hook(call: Call) -> Pending:
    """Send a real issue or note as a test; answers when it has arrived."""
    hook = _hook(call)
    _spend_try(call, "hook test")
    outcome = call.world.test_hook(call.user, hook.id, call.parts["trigger"])
    return Pending(outcome, _tested)


def _tested(outcome: Outcome) -> Answer:
    if outcome.status is None:
        return Answer(422, {"message": outcome.error})
    return Answer(201, {"message": "201 Created"})


def _spend_try(call: Call, kind: str) -> None:
    if not call.world.meter.admits(kind, user_id=call.user.id, limit=TRIES_PER_MIN):
        raise too_many(retry_after_s=RETRY_AFTER_S)


def _maintainer(call: Call) -> None:
    check_project(call.parts["project"])
    call.world.demand(call.user, AccessLevel.MAINTAINER)


def _hook(call: Call) -> Hook:
    _maintainer(call)
    return call.world.hook(call.user, call.number("hook"))


def _settings(call: Call) -> dict[str, Any]:
    settings: dict[str, Any] = {name: truth(call.params[name]) for name in EVENT_NAMES if name in call.params}
    for name in ("name", "description", "token", "signing_token", "custom_webhook_template"):
        if name in call.params:
            settings[name] = call.text(name)
    if "enable_ssl_verification" in call.params:
        settings["enable_ssl_verification"] = call.flag("enable_ssl_verification")
    return settings


def _has_status(entry: HookLog, wanted: str | None) -> bool:
    status = entry.response_status
    if wanted is None:
        return True
    if wanted.isdigit():
        return status == int(wanted)
    ranges = {"successful": (200, 399), "client_failure": (400, 499), "server_failure": (500, 599)}
    if wanted not in ranges:
        raise Refused(400, {"error": "status does not have a valid value"})
    low, high = ranges[wanted]
    # An attempt without any answer is logged as an internal error, among the server failures.
    return low <= (500 if status is None else status) <= high


def hook_json(world: World, hook: Hook, *, is_single: bool = False) -> Json:
    """A hook; `is_single` adds what lists leave out."""
    toggles = dict(hook.events)
    body: Json = {
        "id": hook.id,
        "url": hook.url,
        "name": hook.name,
        "description": hook.description,
        "created_at": iso(hook.created_at),
        "enable_ssl_verification": hook.enable_ssl_verification,
        "alert_status": world.alert_status(hook),
        "disabled_until": iso(hook.disabled_until),
        "push_events_branch_filter": None,
        "branch_filter_strategy": "wildcard",
        "custom_webhook_template": hook.custom_webhook_template,
        "project_id": PROJECT_ID,
    } | toggles
    if is_single:
        body |= {"url_variables": [], "custom_headers": []}
    if world.signing:
        body |= {"token_present": bool(hook.token), "signing_token_present": bool(hook.signing_token)}
    return body


def delivery_json(entry: HookLog) -> Json:
    """One attempt to deliver."""
    status = entry.response_status
    return {
        "id": entry.id,
        "url": entry.url,
        "trigger": entry.trigger,
        "request_headers": entry.request_headers,
        "request_data": orjson.loads(entry.request_body),
        "response_headers": entry.response_headers,
        "response_body": entry.response_body or entry.error or "",
        "execution_duration": round(entry.duration_s, 4),
        "response_status": "internal error" if status is None else str(status),
        "created_at": iso(entry.created_at),
    }
