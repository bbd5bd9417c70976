"""REST: users, the own token, members, version."""

from __future__ import annotations

from datetime import date, timedelta

from app.sandbox.paging import paged
from app.sandbox.records import AccessLevel
from app.sandbox.refusals import not_found
from app.sandbox.rest_shapes import group_member_json, me_json, member_json, token_json, user_json
from app.sandbox.routing import Answer, Call, Routes, check_project

routes = Routes()
SELF_TOKEN = "/personal_access_tokens/self"
ROTATED_LIFE = timedelta(days=7)


@routes.on("GET", "/user")
def read_self(call: Call) -> Answer:
    """The user behind the token."""
    return Answer(200, me_json(call.world, call.user))


@routes.on("GET", "/users")
def list_users(call: Call) -> Answer:
    """Users, newest first; `username` and `search` narrow the list."""
    name, search = call.text("username"), (call.text("search") or "").lower()
    found = [
        user
        for user in reversed(call.world.users.values())
        # GitLab compares user names without regard to case.
        if (name is None or user.username.lower() == name.lower())
        and (not search or search in user.username.lower() or search in user.name.lower())
    ]
    return paged(call, found, lambda user: user_json(call.world, user))


@routes.on("GET", "/users/{user}")
def read_user(call: Call) -> Answer:
    """One user by id."""
    user = call.world.user(call.number("user"))
    return Answer(200, user_json(call.world, user) | {"created_at": me_json(call.world, user)["created_at"]})


@routes.on("GET", SELF_TOKEN)
def read_own_token(call: Call) -> Answer:
    """The token this request came with."""
    return Answer(200, token_json(call.token))


@routes.on("POST", SELF_TOKEN + "/rotate")
def rotate_own_token(call: Call) -> Answer:
    """Replace the token: the old one dies at once, the new one lives a week if nothing else is said."""
    world, old = call.world, call.token
    with world.lock:
        expires_at: date = call.day("expires_at") or (world.now() + ROTATED_LIFE).date()
        old.is_revoked = True
        value = f"glpat-{world.new_uuid().replace('-', '')[:20]}"
        new = world.add_token(call.user, value=value, scopes=old.scopes, expires_at=expires_at, name=old.name)
    return Answer(200, token_json(new) | {"token": value})


@routes.on("GET", "/projects/{project}/members/all")
def list_all_members(call: Call) -> Answer:
    """Every member with the effective role."""
    check_project(call.parts["project"])
    call.world.demand(call.user, AccessLevel.GUEST)
    wanted = (call.text("query") or "").lower()
    rows = [
        number
        for number in call.world.members
        if wanted in call.world.user(number).username.lower() or wanted in call.world.user(number).name.lower()
    ]
    return paged(call, rows, lambda number: member_json(call.world, number))


@routes.on("GET", "/projects/{project}/members/all/{user}")
def read_member(call: Call) -> Answer:
    """One member with the effective role; 404 for anybody else."""
    check_project(call.parts["project"])
    call.world.demand(call.user, AccessLevel.GUEST)
    number = call.number("user")
    if number not in call.world.members:
        raise not_found()
    return Answer(200, member_json(call.world, number))


@routes.on("GET", "/groups/{group}/members/all")
def list_group_members(call: Call) -> Answer:
    """Every member of a group, by the group's path or id."""
    group = call.world.group(call.user, call.parts["group"])
    return paged(call, group.member_ids, lambda number: group_member_json(call.world, group, number))


routes.on("GET", "/projects/{project}/members")(list_all_members)
routes.on("GET", "/projects/{project}/members/{user}")(read_member)


@routes.on("GET", "/version")
def read_version(call: Call) -> Answer:
    """Which GitLab this claims to be."""
    kas = {"enabled": False, "externalUrl": None, "externalK8sProxyUrl": None, "version": None}
    is_paid = call.world.scoped_labels
    return Answer(200, {"version": call.world.version, "revision": "Unknown", "kas": kas, "enterprise": is_paid})


routes.on("GET", "/metadata")(read_version)
