"""What the OpenAPI document says is what the service does: no generated request meets a 5xx or an unknown answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import Stage, stage
from tests.hostile.generated import ask_everything, must_conform


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("openapi")) as running:
        yield running


def test_every_answer_is_a_documented_one_whoever_asks(on: Stage) -> None:
    asked = ask_everything(on.url, must_conform, examples=150)
    assert {"POST /webhooks/calculator", "POST /webhooks/gitlab", "GET /submissions/{submission_id}"} <= asked
