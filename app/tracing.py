"""Traces by OpenTelemetry, for who asks for them: the address of a collector stands in OTEL_EXPORTER_OTLP_ENDPOINT.

Without it OpenTelemetry's SDK is not imported, and a span costs a function call. The provider is our own and not the
global one: what libraries would tell by themselves (FastAPI: addresses with their tokens) stays here. Spans hold
numbers, verbs and outcomes; never an exception's text, which may quote a customer. A trace's id is made from the
correlation id of the delivery: so the request that brought it, every turn of it, on whichever replica, and its replays
are one trace, and nothing has to be stored for that.
"""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager, nullcontext
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from app import __version__
from app.correlation import NAME, current

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    from opentelemetry.trace import Tracer

SWITCH: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
FLUSH_PATIENCE_S: Final = 3.0
"""At the end of the process; a collector that is away may cost no more of the time that a stop has."""
Value = str | int | float | bool

_NOTHING: Final = nullcontext()
_tracer: Tracer | None = None


class TracingFault(Exception):
    """Traces are asked for and cannot be had; the text says why."""


def span(name: str, **attributes: Value) -> AbstractContextManager[object]:
    """Around a step of the work."""
    if _tracer is None:
        return _NOTHING
    correlation = current()
    more: dict[str, Value] = {} if correlation is None else {NAME: correlation}
    return _tracer.start_as_current_span(
        name, attributes={**attributes, **more}, record_exception=False, set_status_on_exception=False
    )


def note(*, is_failure: bool = False, **attributes: Value) -> None:
    """Say how the step at hand went."""
    if _tracer is None:
        return
    from opentelemetry.trace import StatusCode, get_current_span

    here = get_current_span()
    here.set_attributes(attributes)
    if is_failure:
        here.set_status(StatusCode.ERROR)


def set_up_traces(exporter: SpanExporter | None = None) -> TracerProvider | None:
    """Begin, where the environment says so; `exporter` takes the place of the collector. Raises TracingFault."""
    if exporter is None and not os.environ.get(SWITCH):
        return None
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = exporter or _collector()
    except ImportError as fault:
        raise TracingFault(
            f"{SWITCH} is set, and {fault.name or 'opentelemetry'} is not installed: pip install 'ps-plan-bot[otel]'"
        ) from fault
    name = os.environ.get("OTEL_SERVICE_NAME") or "psplan"
    resource = Resource.create({"service.name": name, "service.version": __version__})
    provider = TracerProvider(resource=resource, id_generator=_ids(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    global _tracer  # noqa: PLW0603  (one for the process, as loggers are)
    _tracer = provider.get_tracer("psplan", __version__)
    return provider


def end_traces(provider: TracerProvider | None) -> None:
    """Send what waits, within bounds."""
    if provider is None:
        return
    global _tracer  # noqa: PLW0603
    _tracer = None
    ending = threading.Thread(target=provider.shutdown, name="traces-end", daemon=True)
    ending.start()
    ending.join(FLUSH_PATIENCE_S)


def _collector() -> SpanExporter:
    import requests
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    session = requests.Session()
    session.max_redirects = 0  # what OTEL_EXPORTER_OTLP_HEADERS holds is for the configured host alone
    session.auth = lambda request: request  # else a ~/.netrc would have its say
    return OTLPSpanExporter(session=session)


def _ids() -> RandomIdGenerator:
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class OfDeliveries(RandomIdGenerator):
        """A trace for each delivery."""

        def generate_trace_id(self) -> int:
            correlation = current()
            if correlation is None:
                return super().generate_trace_id()
            return int.from_bytes(sha256(correlation.encode()).digest()[:16])

    return OfDeliveries()
