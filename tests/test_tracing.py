"""Traces: a delivery is one, over all its tries; none without a collector, and to no host but the configured one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from app.sandbox.faults import Fault, FaultKind
from app.sandbox.world import World
from app.tracing import SWITCH, TracingFault, end_traces, set_up_traces, span
from tests.elsewhere import answering
from tests.harness import stage, submission, until

ROOT = Path(__file__).parents[1]


class Collected(InMemorySpanExporter):
    """What a collector would have got."""

    flush: Callable[[], object]

    def named(self, name: str) -> list[ReadableSpan]:
        self.flush()
        return [each for each in self.get_finished_spans() if each.name == name]


@pytest.fixture
def collected() -> Iterator[Collected]:
    exporter = Collected()
    provider = set_up_traces(exporter)
    assert provider is not None
    exporter.flush = provider.force_flush
    yield exporter
    end_traces(provider)


def test_a_submission_is_one_trace_over_all_its_tries(collected: Collected, tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    world.faults.add(Fault("POST", r"/links$", FaultKind.STATUS, status=502))
    with stage(tmp_path, world) as on:
        on.submit(submission(customer_name="Secretive GmbH"))
        assert on.is_idle()
    assert until(lambda: len(collected.named("turn")) == 2)
    (receive,) = [each for each in collected.named("receive") if (each.attributes or {})["source"] == "calculator"]
    assert receive.context is not None
    assert receive.attributes is not None
    correlation = str(receive.attributes["correlation"])
    assert receive.context.trace_id == int.from_bytes(sha256(correlation.encode()).digest()[:16])
    mine = [s for s in collected.get_finished_spans() if s.context and s.context.trace_id == receive.context.trace_id]
    names = [each.name for each in mine]
    assert names.count("turn") == 2
    assert names.count("decide") == 1
    assert names.count("gitlab POST link") == 2
    assert {(each.attributes or {})["correlation"] for each in mine} == {correlation}
    failed = [each for each in mine if each.status.status_code is StatusCode.ERROR]
    assert [(each.attributes or {})["outcome"] for each in failed] == ["502"]
    turns = {each.context.span_id for each in mine if each.name == "turn" and each.context}
    assert {each.parent.span_id for each in mine if each.name == "gitlab POST issue" and each.parent} <= turns
    assert "Secretive" not in "".join(each.to_json() for each in collected.get_finished_spans())


def test_a_dead_letter_is_a_failed_turn_without_the_words_of_the_refusal(collected: Collected, tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    world.faults.add(Fault("POST", r"/issues$", FaultKind.STATUS, status=403))
    with stage(tmp_path, world) as on:
        on.submit(submission())
    assert until(lambda: bool(collected.named("turn")))
    turn = collected.named("turn")[0]
    assert turn.status.status_code is StatusCode.ERROR
    assert (turn.attributes or {})["state"] == "dead"
    assert [event for each in collected.get_finished_spans() for event in each.events] == []


def test_without_a_collector_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    assert set_up_traces() is None
    with span("turn", delivery=1) as here:
        assert here is None


def test_without_a_collector_the_sdk_is_not_imported() -> None:
    code = "import sys, app.main, app.tracing as t; t.set_up_traces(); print('opentelemetry.sdk' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


def test_a_collector_without_the_extra_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    with pytest.raises(TracingFault, match=r"pip install 'ps-plan-bot\[otel\]'"):
        set_up_traces()


def test_the_framework_tells_nothing_of_its_own(collected: Collected, tmp_path: Path) -> None:
    with stage(tmp_path) as on:
        receipt = on.send(submission())
        on.follow(receipt)
    collected.flush()
    told = "".join(each.to_json() for each in collected.get_finished_spans())
    assert receipt.status_url.partition("token=")[2] not in told
    assert {each.name.split()[0] for each in collected.get_finished_spans()} == {"receive", "turn", "decide", "gitlab"}


def test_spans_go_to_the_collector_and_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login any password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-canary=sent-with-care")
    with answering(200) as other, answering(307, {"Location": f"{other.url}/v1/traces"}) as collector:
        monkeypatch.setenv(SWITCH, collector.url)
        provider = set_up_traces()
        with span("turn"):
            pass
        end_traces(provider)
        assert until(lambda: bool(collector.seen))
        assert [headers["x-canary"] for headers in collector.seen] == ["sent-with-care"] * len(collector.seen)
        assert not any("Authorization" in headers for headers in collector.seen)
        assert other.seen == []
