"""The webhook's health: GitLab's log of failed deliveries is read, and a disabled hook is tested on again.

GitLab does not send again what failed, and sends nothing at all to a hook that it has disabled. It keeps failed
deliveries in its log for a week. Both need a Maintainer's token; without one the sweep's own look has to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import orjson
import structlog
from sqlalchemy import Connection

from app.clock import Clock, at
from app.errors import Absent, Permanent, Retry
from app.events import Source
from app.listing import Listing
from app.ports import FailedDelivery, Hook, HookKeeper
from app.store import inbox, swept
from app.store.records import Acceptance
from app.store.store import Store
from app.sweep.report import Swept

LOG_KEPT: Final = timedelta(days=7)
OVERLAP: Final = timedelta(minutes=10)
LAST_LOG: Final = "delivery log"
LOG_BEGUN: Final = "begun log"
LOG_PAGE: Final = "page of log"
OF_ISSUES: Final = frozenset({"issue", "work_item"})
"""A comment is found by the look at the comments, as it stands now: its author may have thought better of it since."""

log = structlog.get_logger()

LOG_PAGES: Final = 50
"""Of each kind of failure, and one sweep."""

TakeIn = Callable[[dict[str, str], bytes, dict[str, object]], Acceptance]
"""What the webhook's door makes of a delivery."""


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where to go on in the log of a hook, which is read from its newest page on, if need be in several sweeps.

    `begun_at`: when this reading began; `last`: when the one before it did.
    """

    hook_id: int
    begun_at: float
    page: int = 1
    last: float | None = None

    @classmethod
    def kept(cls, connection: Connection, *, hook_id: int, now: float) -> LogPlace:
        """The place to go on from; page 1 where the reading before went to its end."""
        last, begun, page = (swept.mark(connection, f"{name} {hook_id}") for name in (LAST_LOG, LOG_BEGUN, LOG_PAGE))
        if not page:
            return cls(hook_id, begun_at=now, last=last)
        return cls(hook_id, begun_at=now if begun is None else begun, page=int(page), last=last)

    def keep_next(self, connection: Connection, *, is_cut: bool) -> None:
        """Note where the next sweep goes on."""
        swept.keep_mark(connection, f"{LOG_BEGUN} {self.hook_id}", self.begun_at)
        swept.keep_mark(connection, f"{LOG_PAGE} {self.hook_id}", self.page + LOG_PAGES if is_cut else 0)
        if not is_cut:
            swept.keep_mark(connection, f"{LAST_LOG} {self.hook_id}", self.begun_at)


@dataclass(frozen=True, slots=True)
class HookWatch:
    """`public_url` and `path`: where the hook points to; the first not known: whatever ends in the path is ours.

    `may_heal`: the service is listening, so that a test can be answered.
    """

    keeper: HookKeeper
    store: Store
    take_in: TakeIn
    public_url: str | None
    path: str
    clock: Clock
    may_heal: Callable[[], bool]

    def look(self, found: Swept) -> None:
        """Heal, and take in what failed."""
        try:
            listed = self.keeper.hooks()
        except Permanent as fault:
            found.hook = f"cannot be looked at: the token is no Maintainer's ({fault.reason})"
            return
        if listed.is_cut:
            found.was_cut(f"webhooks: only {len(listed)} are read")
        hooks = [hook for hook in listed if self._is_ours(hook)]
        if not hooks:
            self._report_none(found)
            return
        self._heal(hooks, found)  # first: a hook that is off misses more while its log is read
        for hook in hooks:
            try:
                self._read_log(hook, found)
            except (Retry, Permanent) as fault:
                found.troubles.append(fault.reason)

    def _is_ours(self, hook: Hook) -> bool:
        if self.public_url is None:
            return urlsplit(hook.url).path.rstrip("/").endswith(self.path)
        return hook.url.rstrip("/").lower() == f"{self.public_url}{self.path}".lower()

    def _report_none(self, found: Swept) -> None:
        """The project has none. Deliveries that come all the same, after the last one of its own was seen, are by a
        hook of its group, which only the group's owner can look at."""
        came = self.store.read(partial(inbox.last_received, source=Source.GITLAB))
        seen = self.store.read(partial(swept.latest_mark, prefix=LAST_LOG))
        is_old = came is None or at(self.clock()) - at(came) > LOG_KEPT
        if came is None or is_old or (seen is not None and at(came) - at(seen) < OVERLAP):
            self._report(found, "there is none that points here", is_well=False)
            return
        told = "the project has none that points here, but deliveries come: by a hook of its group, it seems"
        self._report(found, told, is_well=True)

    def _read_log(self, hook: Hook, found: Swept) -> None:
        place = self.store.read(partial(LogPlace.kept, hook_id=hook.id, now=self.clock()))
        since: datetime = at(place.begun_at) - LOG_KEPT if place.last is None else at(place.last) - OVERLAP
        logged = self._logged(hook, since, place)
        if logged.is_cut:
            found.was_cut(f"GitLab's log of failed deliveries: the next sweep goes on, {len(logged)} are read at once")
        failed = [self.take_in(*_as_sent(each)) for each in logged if each.payload.get("object_kind") in OF_ISSUES]
        waiting = self.store.write(partial(self._keep, failed=failed, place=place, is_cut=logged.is_cut))
        found.from_log += len(waiting)
        found.lanes |= {each.lane for each in waiting}

    def _logged(self, hook: Hook, since: datetime, place: LogPlace) -> Listing[FailedDelivery]:
        try:
            return self.keeper.failed_deliveries(hook.id, since=since, from_page=place.page, pages=LOG_PAGES)
        except Absent:
            log.info("hook.has_no_log", hook=hook.id)  # GitLab keeps one since 17.3
            return Listing([], is_cut=False)

    def _keep(
        self, connection: Connection, *, failed: list[Acceptance], place: LogPlace, is_cut: bool
    ) -> list[Acceptance]:
        waiting = [each for each in inbox.add_new(connection, failed) if each.body is not None]
        for lane in {each.lane: None for each in waiting}:
            self.store.defer(connection, lane)
        place.keep_next(connection, is_cut=is_cut)
        return waiting

    def _heal(self, hooks: list[Hook], found: Swept) -> None:
        ill = [hook for hook in hooks if hook.is_disabled]
        if not ill:
            self._report(found, "well", is_well=True)
            return
        if not self.may_heal():
            self._report(found, "disabled by GitLab; a running service switches it on again", is_well=False)
            return
        for hook in ill:
            try:
                self.keeper.test_hook(hook.id)
            except (Retry, Permanent) as fault:
                log.error("hook.not_healed", hook=hook.id, reason=fault.reason)
        still_ill = {hook.id for hook in self.keeper.hooks() if hook.is_disabled} & {hook.id for hook in ill}
        if still_ill:
            told = "disabled by GitLab, and a test did not switch it on: does GitLab reach this service?"
            self._report(found, told, is_well=False)
        else:
            log.warning("hook.healed", hooks=[hook.id for hook in ill])
            self._report(found, "was disabled by GitLab, and is switched on again", is_well=True)

    def _report(self, found: Swept, told: str, *, is_well: bool) -> None:
        found.hook = told
        # in the database, because another replica may sweep next, and each of them is asked
        self.store.write(lambda c: swept.keep_mark(c, swept.HOOK_ILL, 0.0 if is_well else self.clock()))
        if not is_well:
            log.error("hook.ill", told=told)


def _as_sent(failed: FailedDelivery) -> tuple[dict[str, str], bytes, dict[str, object]]:
    # GitLab's log holds the body as JSON, not as the bytes that were sent
    payload = dict(failed.payload)
    return dict(failed.headers), orjson.dumps(payload), payload
