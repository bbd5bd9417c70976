"""Faults on order, rate limits, tokens, the request log and the ends of the server."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import date
from typing import Any

import httpx
import pytest
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.sandbox import Fault, FaultKind, RateLimits, Request, SandboxServer, World, create_sandbox_app, token_of

from .conftest import ALL_EVENTS, Clients
from .receiver import FakeClock, Receiver

ISSUES = "projects/2/issues"


def ordered(world: World, kind: FaultKind, **more: Any) -> None:
    world.faults.add(Fault("POST", "/issues$", kind, **more))


@pytest.mark.parametrize(
    ("fault", "status", "headers"),
    [
        ({"status": 500}, 500, {}),
        ({"status": 502}, 502, {}),
        ({"status": 503, "retry_after_s": 7}, 503, {"Retry-After": "7"}),
        ({"status": 429}, 429, {}),
        ({"status": 429, "retry_after_s": 30}, 429, {"Retry-After": "30"}),
        ({"status": 401}, 401, {}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_ordered_status_is_answered_once_and_nothing_is_done(
    bot: httpx.Client, world: World, fault: dict[str, Any], status: int, headers: dict[str, str]
) -> None:
    ordered(world, FaultKind.STATUS, **fault)
    answer = bot.post(ISSUES, json={"title": "x"})
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == headers.get("Retry-After")
    assert world.issues == {}
    assert bot.post(ISSUES, json={"title": "x"}).status_code == 201


@pytest.mark.parametrize(
    ("kind", "is_done"),
    [(FaultKind.CUT_BEFORE, False), (FaultKind.PERFORM_THEN_CUT, True)],
)
def test_a_cut_socket_gives_no_answer(bot: httpx.Client, world: World, kind: FaultKind, is_done: bool) -> None:
    ordered(world, kind)
    with pytest.raises(httpx.TransportError):
        bot.post(ISSUES, json={"title": "x"})
    assert bool(world.issues) is is_done
    assert world.requests[-1].status == 0


def test_the_work_is_done_behind_a_bad_gateway(bot: httpx.Client, world: World) -> None:
    ordered(world, FaultKind.PERFORM_THEN_502)
    assert bot.post(ISSUES, json={"title": "x"}).status_code == 502
    assert list(world.issues) == [1]


def test_the_work_is_done_before_a_hang(bot: httpx.Client, world: World) -> None:
    ordered(world, FaultKind.PERFORM_THEN_HANG, seconds=30)
    performed = threading.Event()
    world.on_request = lambda request: performed.set() if request.status else None
    with pytest.raises(httpx.ReadTimeout):
        bot.post(ISSUES, json={"title": "x"}, timeout=httpx.Timeout(5.0, read=0.1))
    assert performed.wait(5)
    assert list(world.issues) == [1]


@pytest.mark.parametrize("status", [504, 0], ids=["gateway timeout", "cut"])
def test_a_late_write_is_done_after_its_bad_answer(
    bot: httpx.Client, hooked: World, receiver: Receiver, status: int
) -> None:
    ordered(hooked, FaultKind.LATE, seconds=0.3, status=status)
    if status:
        assert bot.post(ISSUES, json={"title": "x"}).status_code == 504
    else:
        with pytest.raises(httpx.TransportError):
            bot.post(ISSUES, json={"title": "x"})
    assert bot.get(ISSUES).json() == []
    receiver.wait_for(lambda delivery: delivery.action == "open")
    assert bot.get(ISSUES).json()[0]["title"] == "x"


def test_a_fault_waits_for_its_user_its_method_and_its_turn(client_of: Clients, world: World) -> None:
    world.faults.add(Fault("*", r"/projects/2$", FaultKind.STATUS, status=503, times=2, user="sam", skip=1))
    alice, sam = client_of("alice"), client_of("sam")
    assert [alice.get("projects/2").status_code for _ in range(2)] == [200, 200]
    assert [sam.get("projects/2").status_code for _ in range(4)] == [200, 503, 503, 200]
    assert world.faults.open_orders() == []


def test_requests_are_logged_with_user_status_and_query(bot: httpx.Client, world: World, clock: FakeClock) -> None:
    bot.get(ISSUES, params={"search": "marker"})
    bot.post(ISSUES, json={})
    assert world.requests == [
        Request("GET", "/api/v4/projects/2/issues?search=marker", "ps-bot", clock(), 200),
        Request("POST", "/api/v4/projects/2/issues", "ps-bot", clock(), 400),
    ]
    assert (world.count("GET", "search=marker"), world.count("POST", "/issues$"), world.count("*", "issues")) == (
        1,
        1,
        2,
    )


def test_a_watcher_is_called_on_arrival_and_when_the_work_is_done(bot: httpx.Client, world: World) -> None:
    seen: list[tuple[int | None, int]] = []
    world.on_request = lambda request: seen.append((request.status, len(world.issues)))
    bot.post(ISSUES, json={"title": "x"})
    assert seen == [(None, 0), (201, 1)]


@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        ({}, 401, {"message": "401 Unauthorized"}),
        ({"PRIVATE-TOKEN": "nonsense"}, 401, {"message": "401 Unauthorized"}),
        ({"PRIVATE-TOKEN": "expired"}, 401, {"error": "invalid_token"}),
        ({"PRIVATE-TOKEN": "reader"}, 403, {"error": "insufficient_scope"}),
        ({"Authorization": f"Bearer {token_of('sam')}"}, 201, {"title": "x"}),
    ],
    ids=["none", "unknown", "expired", "may only read", "as bearer"],
)
def test_tokens_are_asked_for(
    server: SandboxServer, world: World, headers: dict[str, str], status: int, body: dict[str, str]
) -> None:
    world.add_token("sam", value="expired", expires_at=date(2026, 11, 22))
    world.add_token("sam", value="reader", scopes=("read_api",))
    answer = httpx.post(f"{server.url}/api/v4/{ISSUES}", json={"title": "x"}, headers=headers, trust_env=False)
    assert answer.status_code == status
    assert answer.json().items() >= body.items()


def test_a_rotated_token_is_dead_at_once_and_the_new_one_lives_a_week(bot: httpx.Client) -> None:
    new = bot.post("personal_access_tokens/self/rotate").json()
    assert new["expires_at"] == "2026-11-29"
    assert bot.get("user").json()["error"] == "invalid_token"
    assert bot.get("user", headers={"PRIVATE-TOKEN": new["token"]}).json()["username"] == "ps-bot"


def test_the_limit_of_the_http_layer_is_plain_text_and_announced(bot: httpx.Client, world: World) -> None:
    world.limits = RateLimits(api_per_min=2)
    remaining = [bot.get("user").headers["RateLimit-Remaining"] for _ in range(2)]
    assert remaining == ["1", "0"]
    refused = bot.get("user")
    assert (refused.status_code, refused.text, refused.headers["Retry-After"]) == (429, "Retry later\n", "60")
    assert refused.headers["Content-Type"].startswith("text/plain")


def test_of_parallel_changes_to_one_issue_some_are_refused(client_of: Clients, world: World) -> None:
    world.busy_window_s = 0.2
    world.create_issue("alice", title="x")
    world.create_issue("alice", title="y")
    gate = threading.Barrier(5)
    answers: list[httpx.Response] = []

    def change(client: httpx.Client, iid: int) -> None:
        gate.wait()
        answers.append(client.put(f"{ISSUES}/{iid}", json={"add_labels": "a"}))

    threads = [threading.Thread(target=change, args=(client_of("sam"), iid)) for iid in (1, 1, 1, 1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [answer for answer in answers if answer.status_code == 409]
    assert 1 <= len(refused) <= 3
    assert refused[0].json() == {"message": "409 Conflict: Resource lock"}
    assert world.label_titles(world.issue(1)) == world.label_titles(world.issue(2)) == ["a"]


def test_a_body_that_is_no_json_is_refused(bot: httpx.Client) -> None:
    answer = bot.post(ISSUES, content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


def test_parameters_may_come_as_a_form(bot: httpx.Client) -> None:
    answer = bot.post(ISSUES, data={"title": "x", "labels[]": ["a", "b"], "confidential": "true"})
    assert (answer.json()["labels"], answer.json()["confidential"]) == (["a", "b"], True)


def test_programs_outside_can_read_the_log_order_faults_and_reset(
    server: SandboxServer, bot: httpx.Client, world: World
) -> None:
    world.add_hook("root", "http://127.0.0.1:9", **ALL_EVENTS)
    bot.post(ISSUES, json={"title": "x"})
    control = f"{server.url}/_sandbox"
    (row,) = httpx.get(f"{control}/requests", trust_env=False).json()
    assert (row["method"], row["path"], row["status"], row["user"]) == ("POST", f"/api/v4/{ISSUES}", 201, "ps-bot")
    order = {"method": "GET", "path_regex": "/user$", "kind": "status", "status": 500}
    assert httpx.post(f"{control}/faults", json=order, trust_env=False).status_code == 201
    assert bot.get("user").json() == {"message": "500 Internal Server Error"}
    assert httpx.post(f"{control}/faults", json={"kind": "odd"}, trust_env=False).status_code == 400
    assert httpx.post(f"{control}/reset", trust_env=False).status_code == 204
    assert (world.issues, world.requests, len(world.hooks)) == ({}, [], 1)
    assert bot.post(ISSUES, json={"title": "y"}).json()["iid"] == 2


def test_the_control_surface_is_closed_to_other_machines(world: World) -> None:
    transport = httpx.ASGITransport(create_sandbox_app(world), client=("192.0.2.7", 1234))

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            paths = [("GET", "requests"), ("POST", "faults"), ("POST", "reset")]
            return [(await client.request(method, f"/_sandbox/{path}")).status_code for method, path in paths]

    assert asyncio.run(ask()) == [404, 404, 404]


def test_pages_can_be_put_on_top(world: World) -> None:
    async def page(_request: HttpRequest) -> PlainTextResponse:
        return PlainTextResponse("a page")

    with SandboxServer(world, extra_routes=[Route("/ps/ps-plan", page)]) as server:
        assert httpx.get(f"{server.url}/ps/ps-plan", trust_env=False).text == "a page"


def test_stopping_is_prompt_and_leaves_no_thread_although_much_is_going_on(world: World) -> None:
    before = set(threading.enumerate())
    world.hook_delay_s = 60
    world.add_hook("root", "http://127.0.0.1:9", **ALL_EVENTS)
    world.faults.add(Fault("GET", "/user$", FaultKind.PERFORM_THEN_HANG, seconds=60))
    server = SandboxServer(world)
    url = server.start()
    world.create_issue("alice", title="x")
    arrived = threading.Event()
    world.on_request = lambda request: arrived.set() if request.status else None

    def ask() -> None:
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{url}/api/v4/user", headers={"PRIVATE-TOKEN": token_of("sam")}, trust_env=False, timeout=30)

    asking = threading.Thread(target=ask)
    asking.start()
    assert arrived.wait(5)
    started = time.monotonic()
    server.stop()
    asking.join()
    assert time.monotonic() - started < 1
    assert set(threading.enumerate()) <= before
    assert world.deliveries_idle(1)
    server.stop()


def test_a_stopped_sandbox_can_be_started_again(world: World) -> None:
    server = SandboxServer(world)
    for _ in range(2):
        url = server.start()
        assert httpx.get(f"{url}/api/v4/version", trust_env=False).status_code == 401
        assert world.base_url == url
        server.stop()
