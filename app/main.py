"""Wires the parts together; the only place that knows them all."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import structlog
from fastapi import FastAPI, Request
from fastapi.telemetry import TelemetryConfig
from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

import handlers  # noqa: F401  (importing it registers every handler)
from app import __version__
from app.adapters.gitlab import PythonGitLab
from app.adapters.gitlab_overview import GitLabHooks, GitLabOverview
from app.adapters.office import open_office
from app.adapters.restraint import Restraint
from app.adapters.smtp import SmtpPost
from app.agendas import load_agendas
from app.catalogue import load_catalogue
from app.chat import ChatTeller
from app.clock import Clock, Sleep, Timer, steady_clock, system_clock
from app.command_table import as_page
from app.directory import Directory
from app.engine import embedded
from app.engine.dead_letters import DeadLetters
from app.engine.deciding import Decider
from app.engine.moments import Moments
from app.engine.process import Engine
from app.foresight import Foreseer
from app.ingress import gitlab as gitlab_door
from app.ingress.answers import TITLES, documented, problem
from app.ingress.arrival import Arrivals
from app.ingress.body import ROOM_BYTES, Room
from app.ingress.calculator import CalculatorDoor, calculator_routes
from app.ingress.gitlab import GitLabDoor
from app.ingress.health import health_routes
from app.ingress.salesforce import SalesforceDoor, salesforce_routes
from app.ingress.slack import SlackDoor, slack_routes
from app.issue_text import Playbook
from app.keys import load_record_keys
from app.live_secrets import LiveSecrets
from app.methodology import Methodology, load_methodology
from app.metrics import Metrics
from app.operations import REPLAY, Operations
from app.perform import Performer
from app.ports import Office
from app.readiness import Readiness
from app.registry import registry
from app.routines import Routines
from app.salesforce import LastRead, SalesforceReads, open_salesforce
from app.settings import Settings
from app.slack import open_slack
from app.sow_template import load_sow_template
from app.store.database import need_postgres
from app.store.inbox import bring_forward, parked_lanes, waiting_lanes
from app.store.memory import Read, StoreMemory
from app.store.store import Store, open_store
from app.sweep import Sweeper
from app.sweep.hook import HookWatch
from app.sweep.salesforce import SalesforceWatch
from app.tell import Tell
from app.templates import default_template_folder, load_templates
from app.verify import GitLabSecrets, Keyring, SalesforceSecrets, SlackSecrets

if TYPE_CHECKING:
    from app.replicas import SharedDatabase

DRAIN_PATIENCE_S = 15.0
"""For turns and routines at once; together with the ten seconds for open requests less than the thirty that container
platforms give after SIGTERM."""

IDLE_POLL_S = 0.02
LISTENS_AFTER_S = 0.1

A = TypeVar("A", bound=PythonGitLab)

log = structlog.get_logger()


class Scheduler(Protocol):
    """Who runs an engagement's turn, and when."""

    def wake(self, lane: str) -> None:
        """The lane has work now."""

    def wake_in(self, lane: str, wait_s: float) -> None:
        """The lane has work in so many seconds."""

    def trouble(self) -> str | None:
        """Why lanes get no turns now, in words for an operator; None where they do."""

    def is_idle(self, *, within_s: float) -> bool:
        """Whether nothing runs, and nothing is due within that time."""

    async def drain(self, patience_s: float) -> bool:
        """Start nothing more and wait for what runs; False if something still runs after `patience_s`."""


class Service:
    """The running parts: store, engine, scheduler. Opened and closed by the app's lifespan."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock = system_clock,
        timer: Timer = steady_clock,
        office: Callable[[], Office | None] = open_office,
        sleep: Sleep = asyncio.sleep,
        rng: random.Random | None = None,
        live: LiveSecrets | None = None,
    ) -> None:
        """`timer` measures how long, where `clock` says when: that one may be set while the service runs.

        `sleep`: between two looks at clocks, for one that can be moved. `live`: where secrets may change meanwhile.
        `office`: finds what lays documents out as pages; None where there is none.
        """
        self.settings = settings
        self.live = live or LiveSecrets(settings)
        self.clock = clock
        self.timer = timer
        self._sleep = sleep
        self.metrics = Metrics()
        self.playbook = load_playbook(settings)
        self.record_keys = load_record_keys(settings)
        self.restraint = Restraint(settings.gitlab_calls_per_minute, timer, self.metrics)
        self.gitlab = self._adapter(PythonGitLab, lambda now: now.gitlab_token)
        self.directory = Directory(self.gitlab, timer)
        self.slack = open_slack(settings, self.live, self.playbook.methodology, timer, self.metrics)
        self._mail = self._open_mail()
        self._office = office()
        self.salesforce = open_salesforce(settings, self.live, timer, clock, self.metrics)
        rules = self.playbook.methodology.salesforce
        self.reads = None if self.salesforce is None else SalesforceReads(self.salesforce, rules, LastRead(clock))
        self.arrivals = Arrivals(settings.project, self.directory, lambda iid: self.store.issue_lanes.get(iid), clock)  # noqa: PLW0108
        self._rng = rng or random.Random()  # noqa: S311  (jitter)
        self._store: Store | None = None
        self._scheduler: Scheduler | None = None
        self._engine: Engine | None = None
        self._routines: Routines | None = None
        self._is_listening = asyncio.Event()

    @property
    def store(self) -> Store:
        """The open store."""
        assert self._store is not None, "the service is not running"  # noqa: S101
        return self._store

    def decider(self, read: Read) -> Decider:
        """What decides; `read` is how it looks into the database."""
        return Decider(
            gitlab=self.gitlab,
            directory=self.directory,
            registry=registry,
            playbook=self.playbook,
            memory=StoreMemory(read),
            project=f"{self.settings.gitlab_url}/{self.settings.project}",
            clock=self.clock,
            who=None if self.slack is None else self.slack.people,
            salesforce=self.reads,
        )

    def _performer(self, store: Store) -> Performer:
        teller = self._teller(store.read)
        return Performer(
            self.gitlab, self.directory, self.record_keys, teller, self._mail, self.salesforce, self._office
        )

    def _teller(self, read: Read) -> ChatTeller | None:
        return None if self.slack is None else self.slack.teller(StoreMemory(read).chat_posts)

    def wake(self, lane: str) -> None:
        """There is work in this lane."""
        if self._scheduler is not None:
            self._scheduler.wake(lane)

    def readiness(self) -> Readiness:
        """What `/readyz` looks at."""
        return Readiness(
            store=lambda: self.store,
            vendors={
                "gitlab": self.restraint.vendor.trouble,
                "slack": None if self.slack is None else self.slack.trouble,
                "mail": None if self._mail is None else self._mail.trouble,
                "salesforce": None if self.salesforce is None else self.salesforce.trouble,
            },
            work_trouble=self._work_trouble,
            alarms=lambda: self.live.alarms,
            clock=self.clock,
            sweep_interval_s=self.settings.sweep_interval_s,
        )

    def _work_trouble(self) -> str | None:
        if self._engine is None or self._scheduler is None:
            return "the service has not begun yet"
        if self._engine.stopping.is_set():
            return "the service is stopping; what waits goes on at the next start, or on another replica"
        return self._scheduler.trouble()

    async def carry_out(self, kind: str, words: dict[str, Any], tell: Tell) -> dict[str, Any]:
        """Run an errand of an operator. Raises operations.Refused."""
        assert self._routines is not None, "the service is not running"  # noqa: S101
        return await self._routines.carry_out(kind, words, tell)

    async def idle(self, *, within_s: float, patience_s: float) -> bool:
        """Wait until nothing is left to do now; False where that takes longer than `patience_s`."""
        assert self._scheduler is not None, "the service is not running"  # noqa: S101
        loop = asyncio.get_running_loop()
        until = loop.time() + patience_s
        while not self._scheduler.is_idle(within_s=within_s):
            if loop.time() > until:
                return False
            await asyncio.sleep(IDLE_POLL_S)
        return True

    async def open(self, *, is_serving: bool = True) -> None:
        """Own the database, go on with what is unfinished. Raises DatabaseFault.

        `is_serving`: somebody listens at the doors; else the service was opened for an errand alone.
        """
        shared = _open_shared(self.settings, self.clock) if self.settings.is_shared else None
        store = self._store = open_store(self.settings.database_path) if shared is None else shared.store
        clock = self.clock if shared is None else shared.clock
        self._engine = Engine(
            store=store,
            decider=self.decider(store.read),
            performer=self._performer(store),
            clock=clock,
            moments=Moments(clock, self.timer),
            rng=self._rng,
            grace_s=self.settings.grace_s,
            metrics=self.metrics,
            dead_letters=DeadLetters(store, store.read(parked_lanes)),
        )
        if shared is None:
            self._scheduler = embedded.Scheduler(
                self._engine.turn,
                workers=self.settings.workers,
                is_rushed=lambda: store.is_rushed,
            )
        else:
            self._scheduler = shared.schedule(self._engine, self.settings)
        self._routines = self._make_routines(store, self._engine, is_serving=is_serving)
        self._routines.start()
        if shared is None and (by_s := store.write(partial(bring_forward, now=self.clock()))) > 0:
            log.warning("clock.was_set_back", by_s=round(by_s, 1))
        unfinished = store.read(waiting_lanes)
        for lane, due_at in unfinished:
            self._scheduler.wake_in(lane, due_at - self.clock())
        log.info("service.opened", unfinished=len(unfinished), database=self.settings.database_name)
        _quiet_interpreter()

    def listening(self) -> None:
        """From now on deliveries are answered: time to look for those that were missed, and to have the hook tested."""
        self._is_listening.set()

    def _make_routines(self, store: Store, engine: Engine, *, is_serving: bool) -> Routines:
        settings = self.settings
        watch = HookWatch(
            keeper=self._adapter(
                GitLabHooks,
                lambda now: now.gitlab_admin_token or now.gitlab_token,
                is_stopping=engine.stopping.is_set,
            ),
            store=store,
            take_in=self.arrivals.row,
            public_url=settings.public_url,
            path=gitlab_door.PATH,
            clock=self.clock,
            may_heal=self._is_listening.is_set,
        )
        sweeper = Sweeper(
            store=store,
            overview=self._adapter(GitLabOverview, lambda now: now.gitlab_token, is_stopping=engine.stopping.is_set),
            hook=watch,
            decider=engine.decider,
            keys=self.record_keys,
            clock=self.clock,
            timer=steady_clock,
            metrics=self.metrics,
            stopping=engine.stopping,
            opportunities=None if self.reads is None else SalesforceWatch(store, self.reads, self.clock),
        )
        return Routines(
            directory=self.directory,
            operations=Operations(store, sweeper, self.clock),
            store=store,
            clock=self.clock,
            sleep=self._sleep,
            wake=self.wake,
            stopping=engine.stopping,
            is_listening=self._is_listening,
            sweep_interval_s=settings.sweep_interval_s if is_serving else 0,
            keep_days=settings.keep_days,
            mornings_of=self.playbook.methodology if self.playbook.has_digests else None,
            secrets=self.live,
            first_look=sweeper.first_look,
        )

    def _open_mail(self) -> SmtpPost | None:
        """Takes mail to people, where there is a mail server."""
        sender = self.settings.smtp_from
        if self.settings.smtp_url is None or sender is None:
            return None

        def url() -> str:
            known = self.live.settings.smtp_url or self.settings.smtp_url
            return known.get_secret_value() if known is not None else ""

        return SmtpPost(url=url, sender=sender, timer=self.timer, metrics=self.metrics)

    def _adapter(
        self, kind: type[A], token: Callable[[Settings], SecretStr], *, is_stopping: Callable[[], bool] = lambda: False
    ) -> A:
        settings = self.settings
        return kind(
            url=settings.gitlab_url,
            token=lambda: token(self.live.settings).get_secret_value(),
            project=settings.project,
            timeout_s=settings.gitlab_timeout_s,
            clock=self.clock,
            restraint=self.restraint,
            is_stopping=is_stopping,
        )

    def stop_soon(self) -> None:
        """A signal came: let every turn end with the action under way."""
        if self._engine is not None:
            self._engine.stopping.set()

    async def close(self) -> bool:
        """Finish what runs, start nothing more, write what waits; False if something still runs after all patience."""
        self.stop_soon()
        ends: list[Awaitable[bool]] = []
        if self._routines is not None:
            ends.append(self._routines.stop(DRAIN_PATIENCE_S))
        if self._scheduler is not None:
            ends.append(self._scheduler.drain(DRAIN_PATIENCE_S))
        is_finished = all(await asyncio.gather(*ends))
        log.info("service.closed", finished=is_finished)
        if self._store is not None:
            self._store.close()
        return is_finished


def _open_shared(settings: Settings, clock: Clock) -> SharedDatabase:
    need_postgres()
    from app.replicas import open_shared  # late: whoever uses SQLite has no psycopg

    return open_shared(settings, clock)


def _quiet_interpreter() -> None:
    """Keep the garbage collector away: requests that wait for a commit would pay for walks over the whole heap."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def load_playbook(settings: Settings) -> Playbook:
    """Methodology, templates and catalogue. Raises FileFaults or TemplateFaults, each with file and line."""
    folder: Path = settings.templates or default_template_folder()
    methodology = load_methodology(settings.methodology, look=registry.unknown_commands)
    return Playbook(
        methodology=methodology,
        templates=load_templates(folder),
        chat=settings.chat_form,
        agendas=load_agendas(folder, methodology),
        catalogue=load_catalogue(settings.catalogue, questions=methodology.questions),
        sow_template=load_sow_template(folder),
        mail_from=settings.smtp_from if settings.smtp_url is not None else None,
        salesforce_url=settings.salesforce_url,
    )


LOCAL_NAMES: Final = ["127.0.0.1", "localhost"]


class _App(FastAPI):
    """FastAPI behind one door more: the path whose cost counts never enters the framework."""

    before_all: Callable[[ASGIApp], ASGIApp]

    def build_middleware_stack(self) -> ASGIApp:
        """The framework's own stack, error pages included, with the door outside of it."""
        return self.before_all(super().build_middleware_stack())


def create_app(settings: Settings, *, service: Service | None = None, is_open_house: bool = False) -> FastAPI:
    """The ASGI application: doors, probes, documentation and pages around one service.

    `is_open_house`: the pages need no login; for a demo on loopback only.
    """
    running = service or Service(settings)
    room = Room(ROOM_BYTES)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await running.open()
        # who serves the app listens as soon as this has begun, and tells nobody
        asyncio.get_running_loop().call_later(LISTENS_AFTER_S, running.listening)
        try:
            yield
        finally:
            await running.close()

    app = _App(
        title="PS Plan Bot",
        version=__version__,
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_SILENT,
    )
    app.state.service = running
    app.include_router(
        health_routes(
            readiness=running.readiness(),
            store=lambda: running.store,
            clock=running.clock,
            metrics=running.metrics,
            metrics_token=lambda: running.live.settings.metrics_token,
        )
    )
    app.include_router(calculator_routes(_calculator_door(settings, running, room)))
    app.include_router(slack_routes(_slack_door(running, room)))
    app.include_router(salesforce_routes(_salesforce_door(settings, running)))
    app.add_api_route(
        gitlab_door.PATH,
        _documented_only,
        methods=["POST"],
        status_code=202,
        tags=["gitlab"],
        summary="Deliveries of the GitLab webhook",
        response_class=Response,
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}},
        responses=documented(gitlab_door.REFUSALS),
    )
    _add_help_page(app, running.playbook.methodology)
    app.router.routes.extend(_pages(settings, running, is_open=is_open_house))
    if is_open_house:  # where nobody logs in, another site's name that leads here must not open the house
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=LOCAL_NAMES)
    app.add_exception_handler(HTTPException, _as_problem)
    if settings.calculator_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.calculator_origins),
            allow_methods=["GET", "POST"],
            allow_headers=list(_HEADERS_OF_A_BROWSER),
        )
    app.before_all = partial(
        GitLabDoor,
        secrets=running.live.of(lambda now: GitLabSecrets(now.webhook_tokens, now.webhook_signing_keys)),
        arrivals=running.arrivals,
        store=lambda: running.store,
        wake=running.wake,
        metrics=running.metrics,
        room=room,
    )
    return app


# FastAPI's own traces hold addresses, and so the tokens in them, and the words of exceptions; app.tracing tells enough
_SILENT: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
_HEADERS_OF_A_BROWSER = (
    "authorization",
    "content-type",
    "idempotency-key",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
)


def _calculator_door(settings: Settings, running: Service, room: Room) -> CalculatorDoor:
    return CalculatorDoor(
        keyring=running.live.of(lambda now: Keyring(now.calculator_keys)),
        record_keys=running.record_keys,
        store=lambda: running.store,
        wake=running.wake,
        clock=running.clock,
        metrics=running.metrics,
        public_url=settings.public_url,
        room=room,
    )


def _slack_door(running: Service, room: Room) -> SlackDoor:
    return SlackDoor(
        secrets=running.live.of(lambda now: SlackSecrets(now.slack_signing_secrets)),
        store=lambda: running.store,
        wake=running.wake,
        clock=running.clock,
        metrics=running.metrics,
        room=room,
    )


def _salesforce_door(settings: Settings, running: Service) -> SalesforceDoor:
    return SalesforceDoor(
        secrets=running.live.of(
            lambda now: SalesforceSecrets(now.salesforce_webhook_tokens, now.salesforce_signing_keys)
        ),
        organization=settings.salesforce_organization_id,
        case=running.playbook.methodology.salesforce.legal_case,
        store=lambda: running.store,
        wake=running.wake,
        clock=running.clock,
        new_id=lambda: uuid.uuid4().hex,
        metrics=running.metrics,
    )


def _add_help_page(app: FastAPI, methodology: Methodology) -> None:
    """Written once: the commands do not change while the service runs."""
    page = as_page(registry.commands(methodology), methodology)
    app.add_api_route(
        "/help",
        lambda: HTMLResponse(page),
        methods=["GET"],
        tags=["help"],
        summary="What people can say in comments",
        response_class=HTMLResponse,
    )


def _pages(settings: Settings, running: Service, *, is_open: bool) -> list[Route]:
    """The pages, where there is a login to them. Imported late: a service without them pays nothing."""
    if not is_open and settings.oauth_client_id is None:
        return []
    from app.pages import House, page_routes
    from app.pages.frame import Frame
    from app.pages.visitor import OpenHouse

    methodology = running.playbook.methodology
    house = House(
        read=lambda: running.store.read,
        methodology=methodology,
        commands=registry.commands(methodology),
        clock=running.clock,
        replay=lambda ident: running.carry_out(REPLAY, {"id": ident}, lambda *_: None),
        foresee=Foreseer(read=lambda: running.store.read, decider=lambda: running.decider(running.store.read)),
    )
    frame = Frame(site="PS Plan Bot")
    if is_open:
        return page_routes(house, frame, OpenHouse(secrets.token_urlsafe(24)))
    from app.pages.login import GitLabLogin, OAuthApplication

    assert settings.oauth_client_id and settings.oauth_client_secret and settings.public_url  # noqa: S101, PT018
    application = OAuthApplication(
        settings.oauth_client_id,
        settings.oauth_client_secret.get_secret_value(),
        settings.gitlab_url,
        settings.public_url,
    )
    return page_routes(house, frame, GitLabLogin(application, running.directory, methodology, frame))


async def _documented_only() -> Response:
    """Stored, then answered 202. Authentic JSON is always answered 2xx; GitLab switches off a hook that hears 4xx."""
    raise AssertionError("GitLabDoor answers this path")


async def _as_problem(_: Request, fault: Exception) -> Response:
    status = fault.status_code if isinstance(fault, HTTPException) else 500
    return problem(status if status in TITLES else 404)
