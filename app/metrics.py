"""What Prometheus sees: is it healthy, how far behind is it, what fails.

This is the one place that names a metric; the table of `docs/observability` follows from it, and dashboard and alerts
are held against it. No label has a person, a customer or an engagement in it.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from math import nan
from typing import Any, Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from app import __version__

DOORS: Final = ("calculator", "gitlab", "salesforce", "slack")
MISSED: Final = ("comment", "change", "failed delivery")
"""What a sweep finds that no webhook told."""
SECONDS: Final = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
HANDLING_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200, 43200, 86400)
"""From a delivery at once to one that outlasts an outage."""
WAIT_SECONDS: Final = (1, 2.5, 5, 10, 30, 60, 120, 300)

M = TypeVar("M", Counter, Gauge, Histogram)


class Of(StrEnum):
    """Whose number it is, where several replicas share a database."""

    REPLICA = "replica"
    """Each counts its own: add them up."""
    DATABASE = "database"
    """Each tells the same, read at the scrape: take one of them, by `max`."""


@dataclass(frozen=True, slots=True)
class Told:
    """A metric as the documents show it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    of: Of
    meaning: str


class Metrics:
    """The counters of one service; a registry of its own, so that two services in one process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.told: list[Told] = []
        self._tell_deliveries()
        self._tell_backlog()
        self._tell_vendors()
        self._tell_sweep()
        self._tell_process()
        self._begin_at_zero()

    def _tell_deliveries(self) -> None:
        self.accepted = self._add(Counter, "psplan_deliveries_accepted_total", "Deliveries stored, by door", "source")
        self.repeated = self._add(
            Counter, "psplan_deliveries_repeated_total", "Deliveries that were known already", "source"
        )
        self.refused = self._add(
            Counter,
            "psplan_requests_refused_total",
            "Requests that reached no inbox, by door and answer: 401 not authentic, 503 cannot be stored, …",
            "door",
            "status",
        )
        self.settled = self._add(
            Counter,
            "psplan_deliveries_settled_total",
            "Deliveries that came to an end: done, ignored or dead",
            "source",
            "state",
        )
        self.handling = self._add(
            Histogram,
            "psplan_delivery_seconds",
            "From a delivery to its end, waits and retries included; what was parked and run again is not counted",
            "source",
            buckets=HANDLING_SECONDS,
        )
        self.retried = self._add(
            Counter,
            "psplan_deliveries_retried_total",
            "Tries that ended in a wait: vendor_down, asked_to_wait (Retry-After), refused_for_now, "
            "held (a limit or the breaker: nothing was sent), lost (an engagement that only GitLab knows)",
            "why",
        )
        self._actions = self._add(
            Histogram,
            "psplan_action_seconds",
            "Time to perform an action, the vendor's time included",
            "kind",
            buckets=SECONDS,
        )

    def _tell_backlog(self) -> None:
        self.waiting = self._add(
            Gauge, "psplan_deliveries_waiting", "Deliveries that wait or are worked on", of=Of.DATABASE
        )
        self.oldest_s = self._add(
            Gauge, "psplan_oldest_waiting_seconds", "Age of the delivery that waits longest", of=Of.DATABASE
        )
        self.dead = self._add(Gauge, "psplan_deliveries_dead", "Dead letters", of=Of.DATABASE)
        self.clock_late_s = self._add(
            Gauge,
            "psplan_clock_late_seconds",
            "How long ago the first clock should have struck that has not; 0: none is late",
            of=Of.DATABASE,
        )
        self.database_is_up = self._add(
            Gauge, "psplan_database_up", "1 while the database can be read; if it cannot, what it would tell is NaN"
        )

    def _tell_vendors(self) -> None:
        self.calls = self._add(
            Counter,
            "psplan_vendor_calls_total",
            "Calls of vendors that were sent; outcome: ok, the status, Slack's word, network, redirect, unreadable",
            "vendor",
            "verb",
            "outcome",
        )
        self.call_seconds = self._add(
            Histogram, "psplan_vendor_call_seconds", "Time until a vendor answered", "vendor", "verb", buckets=SECONDS
        )
        self.vendor_open = self._add(
            Gauge, "psplan_vendor_open", "1 while a vendor is not asked because it does not answer", "vendor"
        )
        self.vendor_open.labels("gitlab").set(0)
        self.limit_wait = self._add(
            Histogram,
            "psplan_limit_wait_seconds",
            "Waits for a limit per minute that is used up, by kind of call",
            "vendor",
            "limit",
            buckets=WAIT_SECONDS,
        )

    def _tell_sweep(self) -> None:
        self.missed = self._add(
            Counter,
            "psplan_missed_events_total",
            "Events that no webhook told and the sweep found, by what they were",
            "what",
        )
        self.swept_at = self._add(
            Gauge,
            "psplan_swept_timestamp_seconds",
            "When the last sweep ended that met no trouble; 0: never",
            of=Of.DATABASE,
        )
        self.sweep_interval_s = self._add(
            Gauge, "psplan_sweep_interval_seconds", "How often it sweeps; 0: only when asked"
        )
        self.hook_is_well = self._add(
            Gauge,
            "psplan_hook_is_well",
            "1 while GitLab's webhook is there and not disabled; NaN where nobody could look",
            of=Of.DATABASE,
        )
        self.hook_is_well.set(nan)

    def _tell_process(self) -> None:
        self.secrets_ill = self._add(
            Gauge,
            "psplan_secret_files_not_usable",
            "Files of secrets that cannot be used now, so that the last good value is",
        )
        self.store_queue = self._add(
            Gauge, "psplan_store_queue", "Batches of writes that wait for the database's one writer"
        )
        self.is_working = self._add(Gauge, "psplan_scheduler_up", "1 while waiting deliveries are given to the workers")
        build = self._add(Gauge, "psplan_build_info", "What runs; always 1", "version", "python")
        build.labels(__version__, platform.python_version()).set(1)

    def _begin_at_zero(self) -> None:
        """What an alert counts has to be there before it happens: the first of a new series is no increase."""
        for door in DOORS:
            self.accepted.labels(door)
            for status in ("401", "503"):
                self.refused.labels(door, status)
        for what in MISSED:
            self.missed.labels(what)

    def _add(
        self, kind: type[M], name: str, meaning: str, *labels: str, of: Of = Of.REPLICA, buckets: Sequence[float] = ()
    ) -> M:
        more: dict[str, Any] = {"buckets": buckets} if buckets else {}
        self.told.append(Told(name, kind.__name__.lower(), labels, of, meaning))
        return kind(name, meaning, labels, registry=self.registry, **more)

    def action_timer(self, kind: str) -> AbstractContextManager[object]:
        """Measures one action."""
        return self._actions.labels(kind).time()

    def hide_standing(self) -> None:
        """Nobody can read how it stands: the last known numbers would look as if all were well."""
        self.database_is_up.set(0)
        for gauge in (self.waiting, self.oldest_s, self.dead, self.clock_late_s, self.swept_at, self.hook_is_well):
            gauge.set(nan)

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)


def metrics_table() -> str:
    """Every metric, for the documents."""
    rows = ["| metric | kind | labels | of the | meaning |", "| --- | --- | --- | --- | --- |"]
    for told in Metrics().told:
        labels = ", ".join(f"`{label}`" for label in told.labels)
        rows.append(f"| `{told.name}` | {told.kind} | {labels} | {told.of} | {told.meaning} |")
    return "\n".join(rows) + "\n"
