"""What the OpenAPI document says is what the service does: no generated request meets a 5xx or an unknown answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.harness import HOOK_TOKEN, KEY, Stage, stage

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
WHO: dict[str, dict[str, str]] = {
    "a stranger": {},
    "GitLab": {"X-Gitlab-Token": HOOK_TOKEN},
    "the calculator": {"Authorization": f"Bearer {KEY}"},
}


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("openapi")) as running:
        yield running


def test_every_answer_is_a_documented_one_whoever_asks(on: Stage) -> None:
    document = schemathesis.openapi.from_url(f"{on.url}/openapi.json")
    asked = set()
    for found in document.get_all_operations():
        operation = found.ok()
        asked.add(operation.label)

        @settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def ask(case: Case) -> None:
            for headers in WHO.values():
                case.call_and_validate(headers=headers, checks=CHECKS, timeout=10)

        ask()
    assert {"POST /webhooks/calculator", "POST /webhooks/gitlab", "GET /submissions/{submission_id}"} <= asked
