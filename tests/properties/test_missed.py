"""Whatever part of what people did GitLab delivers, once, twice or never: after a sweep it ends the same."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.histories import FREE, GATED, lived

histories = st.lists(st.sampled_from([*FREE, *GATED]), min_size=2, max_size=8)
free_histories = st.lists(st.sampled_from(list(FREE)), min_size=2, max_size=8)
slow = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),  # an example takes seconds: to make one smaller takes an hour
)


@pytest.mark.timeout(300)
@slow
@given(names=histories, seed=st.integers(0, 2**16))
def test_where_nothing_is_delivered_it_ends_as_where_everything_is(names: list[str], seed: int) -> None:
    steps = [{**FREE, **GATED}[name] for name in names]
    assert lived(steps, delivered=0.0, seed=seed) == lived(steps, delivered=1.0, seed=seed)


@pytest.mark.timeout(300)
@slow
@given(names=free_histories, seed=st.integers(0, 2**16))
def test_where_half_is_delivered_it_ends_as_where_everything_is(names: list[str], seed: int) -> None:
    steps = [FREE[name] for name in names]
    assert lived(steps, delivered=0.5, seed=seed) == lived(steps, delivered=1.0, seed=seed)
