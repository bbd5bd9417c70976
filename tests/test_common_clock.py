"""The clock that replicas have in common goes by the server's, where that is worth while and can be told."""

from __future__ import annotations

import pytest

from app.engine.common_clock import CommonClock
from tests.test_quota import HandClock


@pytest.mark.parametrize(
    ("behind_s", "takes_s", "put_right_by_s"),
    [
        pytest.param(600.0, 0.1, 600.0, id="behind"),
        pytest.param(-600.0, 0.1, -600.0, id="ahead"),
        pytest.param(0.5, 0.1, 0.0, id="near enough"),
        pytest.param(600.0, 3.0, 0.0, id="a server that took its time"),
        pytest.param(600.0, -3.0, 0.0, id="set back while it was asked"),
    ],
)
def test_it_is_put_right_by_what_it_is_wrong(behind_s: float, takes_s: float, put_right_by_s: float) -> None:
    own = HandClock(1_000_000.0)

    def server() -> float:
        own.now += takes_s
        return own.now + behind_s

    clock = CommonClock(own, server)
    clock.compare()
    assert clock() - own() == pytest.approx(put_right_by_s)


def test_it_follows_when_somebody_sets_the_replicas_clock_right() -> None:
    own = HandClock(1_000_600.0)
    clock = CommonClock(own, lambda: 1_000_000.0)
    clock.compare()
    own.now -= 600.0
    clock.compare()
    assert clock() == 1_000_000.0
