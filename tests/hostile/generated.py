"""Requests that the OpenAPI document allows, and some that it does not, made up by schemathesis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.harness import HOOK_TOKEN, KEY

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
WHO: dict[str, dict[str, str]] = {
    "a stranger": {},
    "GitLab": {"X-Gitlab-Token": HOOK_TOKEN},
    "the calculator": {"Authorization": f"Bearer {KEY}"},
}


def ask_everything(url: str, hear: Callable[[Case[Any], Response], None], *, examples: int) -> set[str]:
    """Each operation so many times in everybody's name; `hear` is given every answer. The operations that there are."""
    document = schemathesis.openapi.from_url(f"{url}/openapi.json")
    asked = set()
    for found in document.get_all_operations():
        operation = found.ok()
        asked.add(operation.label)

        @settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def ask(case: Case[Any]) -> None:
            for headers in WHO.values():
                hear(case, case.call(headers=headers, timeout=10))

        ask()
    return asked


def must_conform(case: Case[Any], answer: Response) -> None:
    """Raises FailureGroup for a 5xx and for an answer that the document does not know."""
    case.validate_response(answer, checks=CHECKS)
