"""Metrics, dashboard, alerts and their page: what one of them names the others know, and the alerts do what they say.

`TEST_PROMTOOL=required`: a machine without promtool fails instead of skipping.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from app.background import BackgroundServer
from app.main import create_app
from app.metrics import Metrics, Of
from app.reference import renewed
from app.sandbox.faults import Fault, FaultKind
from app.sandbox.people import token_of
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from tests.harness import KEY, Stage, settings_for, stage, submission, until

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs" / "observability"
PAGE = (DOCS / "README.md").read_text(encoding="utf-8")
ALERTS = (DOCS / "alerts.yaml").read_text(encoding="utf-8")
DASHBOARD: dict[str, Any] = json.loads((DOCS / "grafana.json").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = [rule for group in yaml.safe_load(ALERTS)["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [(panel["title"], target) for panel in PANELS for target in panel["targets"]]
NAME = re.compile(r"psplan_[a-z_]+")
LABELS = re.compile(r"(psplan_[a-z_]+)\{([^}]*)\}")
OF_HISTOGRAM = ("_bucket", "_count", "_sum")
OF_PROMETHEUS = {"job", "instance", "le"}
PERSONAL = {"customer", "engagement", "user", "issue", "lane", "iid", "key", "delivery"}


def samples() -> dict[str, set[str]]:
    """Every name that Prometheus can ask for, with its labels."""
    found = {}
    for told in Metrics().told:
        names = [told.name + end for end in OF_HISTOGRAM] if told.kind == "histogram" else [told.name]
        found |= {name: set(told.labels) | OF_PROMETHEUS for name in names}
    return found


def expressions() -> list[tuple[str, str]]:
    return [(title, target["expr"]) for title, target in TARGETS] + [(rule["alert"], rule["expr"]) for rule in RULES]


@pytest.mark.parametrize(("where", "expression"), expressions(), ids=lambda word: None if "psplan" in word else word)
def test_dashboard_and_alerts_ask_for_what_there_is(where: str, expression: str) -> None:
    known = samples()
    assert {name for name in NAME.findall(expression) if name not in known} == set(), where
    for name, matchers in LABELS.findall(expression):
        assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= known[name], where
    for names in re.findall(r"by \(([^)]*)\)", expression):
        asked = {label for name in NAME.findall(expression) for label in known[name]}
        assert set(names.split(", ")) <= asked, where


def test_every_metric_is_looked_at_somewhere() -> None:
    looked_at = {name for _, expression in expressions() for name in NAME.findall(expression)}
    unseen = [
        told.name for told in Metrics().told if not looked_at & {told.name, *(told.name + end for end in OF_HISTOGRAM)}
    ]
    assert unseen == []


def test_what_the_database_knows_is_not_added_up_over_replicas() -> None:
    shared = {told.name for told in Metrics().told if told.of is Of.DATABASE}
    for where, expression in expressions():
        for name in shared & set(NAME.findall(expression)):
            assert f"max({name}" in expression, where


def test_no_label_names_a_person_or_an_engagement() -> None:
    assert [told.name for told in Metrics().told if PERSONAL & set(told.labels)] == []


def test_the_table_is_what_is_exposed() -> None:
    exposed = re.findall(r"^# TYPE (\S+) (\S+)$", Metrics().exposition().decode(), re.MULTILINE)
    assert sorted((told.name, told.kind) for told in Metrics().told) == sorted(
        each for each in exposed if not each[0].endswith("_created")
    )


def test_the_page_is_fresh() -> None:
    assert renewed(PAGE) == PAGE, "run `make docs`"


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_every_alert_has_a_section_that_says_what_to_do(rule: dict[str, Any]) -> None:
    assert f"\n### {rule['alert']}\n" in PAGE
    assert rule["annotations"]["runbook"] == f"docs/observability/README.md#{rule['alert'].lower()}"
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}


def test_no_section_is_left_over() -> None:
    told = set(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE))
    assert told == {rule["alert"] for rule in RULES}


def test_the_dashboard_can_be_imported_anywhere() -> None:
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert DASHBOARD["schemaVersion"] >= 39
    assert "id" not in DASHBOARD, "an id belongs to one Grafana"
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    assert {target["datasource"]["uid"] for _, target in TARGETS} == {"${datasource}"}
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Is it healthy?", "How far behind is it?", "What fails?"]


def test_panels_lie_beside_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + dx, at["y"] + dy) for dx in range(at["w"]) for dy in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


@pytest.mark.parametrize(
    "words", [("check", "rules", "docs/observability/alerts.yaml"), ("test", "rules", "tests/alerts/alerts_test.yaml")]
)
def test_prometheus_finds_the_alerts_right(words: tuple[str, ...]) -> None:
    found = shutil.which("promtool")
    if found is None:
        reason = "promtool is not installed (.ci/promtool)"
        assert os.environ.get("TEST_PROMTOOL") != "required", reason
        pytest.skip(reason)
    told = subprocess.run([found, *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def test_every_alert_is_tried_out() -> None:
    tried = yaml.safe_load((ROOT / "tests" / "alerts" / "alerts_test.yaml").read_text(encoding="utf-8"))
    fired = {each["alertname"] for test in tried["tests"] for each in test["alert_rule_test"] if each.get("exp_alerts")}
    assert fired == {rule["alert"] for rule in RULES}


def test_a_submission_leaves_its_figures(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    world.faults.add(Fault("POST", r"/links$", FaultKind.STATUS, status=502))
    with stage(tmp_path, world) as on:
        on.submit(submission())
        for name, value in {
            'psplan_deliveries_accepted_total{source="calculator"}': 1,
            'psplan_deliveries_settled_total{source="calculator",state="done"}': 1,
            'psplan_delivery_seconds_count{source="calculator"}': 1,
            'psplan_deliveries_retried_total{why="vendor_down"}': 1,
            'psplan_vendor_calls_total{outcome="502",vendor="gitlab",verb="POST link"}': 1,
            'psplan_vendor_call_seconds_count{vendor="gitlab",verb="POST link"}': 2,
            "psplan_scheduler_up": 1,
            "psplan_deliveries_waiting": 0,
            "psplan_sweep_interval_seconds": 0,
        }.items():
            assert until(lambda name=name, value=value: on.metric(name) == value), name  # type: ignore[misc]
        assert 1.6 <= on.metric('psplan_delivery_seconds_sum{source="calculator"}') < 10, "the wait is counted"
        assert on.metric("psplan_hook_is_well") != on.metric("psplan_hook_is_well"), "nobody has looked: NaN"


def test_a_limit_that_is_reached_is_counted(tmp_path: Path) -> None:
    with stage(tmp_path, gitlab_limits="issues=1") as on:
        on.send(submission())
        assert until(lambda: on.metric('psplan_limit_wait_seconds_count{limit="issues",vendor="gitlab"}') == 1)
        assert until(lambda: on.metric('psplan_deliveries_retried_total{why="held"}') == 1)


def test_what_no_database_tells_is_told_all_the_same() -> None:
    assert b"psplan_hook_is_well NaN" in Metrics().exposition()
    assert b'psplan_requests_refused_total{door="gitlab",status="503"} 0.0' in Metrics().exposition()


def test_replicas_tell_the_same_of_the_database_and_their_own_of_themselves(postgres_url: str, tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    shared = {"database_url": postgres_url, "record_keys": [KEY], "gitlab_admin_token": token_of("root")}
    with SandboxServer(world) as sandbox, httpx.Client(timeout=10) as client:
        sweeps = create_app(settings_for(tmp_path, sandbox.url, **shared, sweep_interval_s=300))
        never = create_app(settings_for(tmp_path, sandbox.url, **shared))
        with BackgroundServer(sweeps) as one, BackgroundServer(never) as two:
            first, second = Stage(world, one.url, client), Stage(world, two.url, client)
            second.submit(submission())
            assert until(lambda: second.metric("psplan_swept_timestamp_seconds") > 0), "though the other one swept"
            assert until(lambda: second.metric("psplan_hook_is_well") == 0), "the project has no webhook"
            for name in ("psplan_swept_timestamp_seconds", "psplan_hook_is_well", "psplan_deliveries_waiting"):
                assert first.metric(name) == second.metric(name)
            accepted = 'psplan_deliveries_accepted_total{source="calculator"}'
            assert [each.metric(accepted) for each in (first, second)] == [0, 1]
            settled = 'psplan_deliveries_settled_total{source="calculator",state="done"}'
            assert until(lambda: sum(each.metric(settled) for each in (first, second)) == 1)
            assert [each.metric("psplan_sweep_interval_seconds") for each in (first, second)] == [300, 0]
