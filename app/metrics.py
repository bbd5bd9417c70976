"""What Prometheus sees: is it healthy, how far behind is it, what fails."""

from __future__ import annotations

from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counters of one service; a registry of its own, so that two services in one process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.accepted = Counter(
            "psplan_deliveries_accepted_total",
            "Deliveries stored, by door",
            ["source"],
            registry=self.registry,
        )
        self.repeated = Counter(
            "psplan_deliveries_repeated_total",
            "Deliveries that were known already",
            ["source"],
            registry=self.registry,
        )
        self.refused = Counter(
            "psplan_requests_refused_total",
            "Requests that reached no inbox, by door and answer",
            ["door", "status"],
            registry=self.registry,
        )
        self.settled = Counter(
            "psplan_deliveries_settled_total",
            "Deliveries that came to an end",
            ["source", "state"],
            registry=self.registry,
        )
        self.calls = Counter(
            "psplan_vendor_calls_total",
            "Requests to vendors, by vendor, verb and outcome",
            ["vendor", "verb", "outcome"],
            registry=self.registry,
        )
        self.vendor_open = Gauge(
            "psplan_vendor_open",
            "1 while a vendor is not asked because it does not answer",
            ["vendor"],
            registry=self.registry,
        )
        self.vendor_open.labels("gitlab").set(0)
        self.waiting = Gauge(
            "psplan_deliveries_waiting",
            "Deliveries that wait or are worked on",
            registry=self.registry,
        )
        self.dead = Gauge("psplan_deliveries_dead", "Dead letters", registry=self.registry)
        self.oldest_s = Gauge(
            "psplan_oldest_waiting_seconds",
            "Age of the delivery that waits longest",
            registry=self.registry,
        )
        self.missed = Counter(
            "psplan_missed_events_total",
            "Events that no webhook told and the sweep found, by what they were",
            ["what"],
            registry=self.registry,
        )
        self.swept_at = Gauge(
            "psplan_swept_timestamp_seconds", "When the last sweep ended that saw everything", registry=self.registry
        )
        self.hook_is_well = Gauge(
            "psplan_hook_is_well", "1 while GitLab's webhook is there and not disabled", registry=self.registry
        )
        self.secrets_ill = Gauge(
            "psplan_secret_files_not_usable",
            "Files of secrets that cannot be used now, so that the last good value is",
            registry=self.registry,
        )
        self._actions = Histogram(
            "psplan_action_seconds",
            "Time to perform an action, the vendor's time included",
            ["kind"],
            buckets=SECONDS,
            registry=self.registry,
        )

    def action_timer(self, kind: str) -> AbstractContextManager[object]:
        """Measures one action."""
        return self._actions.labels(kind).time()

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)
