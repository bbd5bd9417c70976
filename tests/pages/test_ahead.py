"""The page of a dead or waiting delivery says what it would do now, as the dry run does, and nothing is done."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from app import foresight
from app.foresight import Foreseer, Unforeseeable, foresee
from app.sandbox.faults import Fault, FaultKind
from app.store.schema import deliveries
from tests.harness import submission

from .conftest import Site, logged_in, open_site


@pytest.fixture
def parked(tmp_path: Path) -> Iterator[tuple[Site, int]]:
    """A site with a dead delivery: an order of Erin's that GitLab would not have carried out."""
    with open_site(tmp_path, count=0) as site:
        on = site.stage
        on.submit(submission())
        assert on.quiet()
        on.world.faults.add(Fault("PUT", r"/issues/\d+$", FaultKind.STATUS, status=403))
        on.world.add_note("erin", 1, "/ps next")
        assert on.quiet()
        query = select(deliveries.c.id).where(deliveries.c.state == "dead")
        yield site, site.service.store.read(lambda c: c.execute(query).scalar_one())


def page_of(site: Site, ident: int, query: str = "?look=ahead") -> str:
    answer = httpx.get(f"{site.url}/deliveries/{ident}{query}", timeout=30)
    assert answer.status_code == 200
    return unescape(answer.text)


def set_state(site: Site, ident: int, state: str) -> None:
    site.service.store.write(
        lambda c: c.execute(update(deliveries).where(deliveries.c.id == ident).values(state=state)).rowcount
    )


def test_it_is_offered_and_then_told_as_the_dry_run_tells_it_and_nothing_is_done(parked: tuple[Site, int]) -> None:
    site, ident = parked
    before = site.stage.writes()
    asked = site.world.count("GET", ".")
    assert f'href="/deliveries/{ident}?look=ahead#ahead"' in page_of(site, ident, "")
    assert site.world.count("GET", ".") == asked, "GitLab is asked only when somebody wants to know"
    service = site.service
    told = foresee(ident, service.store.read, lambda: service.decider(service.store.read))
    assert any("Awaiting_Discovery" in each for each in told.actions)
    page = page_of(site, ident)
    for each in (*told.actions, *told.because):
        assert each in page
    assert site.stage.writes() == before
    assert site.stage.metric("psplan_deliveries_dead") == 1


@pytest.mark.parametrize(("state", "is_told"), [("dead", True), ("waiting", True), ("done", False), ("ignored", False)])
def test_it_is_told_of_what_is_not_settled(state: str, *, is_told: bool, parked: tuple[Site, int]) -> None:
    site, ident = parked
    set_state(site, ident, state)
    assert ("What it would do now" in page_of(site, ident)) is is_told


def test_why_it_cannot_be_told_is_said_in_words(parked: tuple[Site, int]) -> None:
    site, ident = parked
    site.world.faults.add(Fault("GET", r"/issues/\d+$", FaultKind.STATUS, status=403, times=9))
    page = page_of(site, ident)
    assert "That cannot be told: it cannot be decided now: GitLab answered 403 to GET issue" in page
    assert "Look again" in page


def test_a_gitlab_that_takes_long_holds_up_no_page(parked: tuple[Site, int], monkeypatch: pytest.MonkeyPatch) -> None:
    site, ident = parked
    monkeypatch.setattr(foresight, "PATIENCE_S", 0.2)
    site.world.faults.add(Fault("GET", r"/issues/\d+$", FaultKind.PERFORM_THEN_HANG, seconds=1.5, times=2))
    assert "GitLab takes too long to answer" in page_of(site, ident)
    assert "GitLab takes too long to answer" in page_of(site, ident)
    assert "others are asking just now" in page_of(site, ident), "not more than two hang at once"


def test_a_bug_is_loud_and_said_in_words(parked: tuple[Site, int]) -> None:
    site, ident = parked
    with pytest.raises(Unforeseeable, match="a bug in psplan: ZeroDivisionError"):
        Foreseer(read=lambda: site.service.store.read, decider=lambda: 1 // 0)(ident)  # type: ignore[arg-type,return-value]


def test_who_may_not_run_it_again_is_told_nothing_of_it(house: Site) -> None:
    set_state(house, 2, "dead")
    with logged_in(house, "evan") as browser:
        page = browser.get("/deliveries/2?look=ahead")
        assert page.status_code == 200
        assert "What it would do now" not in page.text
