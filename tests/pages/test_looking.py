"""The pages as they are sent: every one answers, says what it should, and takes in no text as anything but text."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import httpx
import pytest

from app.pages.frame import HEADERS
from app.reports import names
from tests.harness import stage, submission

from .conftest import Site, open_site

PAGES = ("/", "/?track=intake", "/?state=closed_won", "/reports", "/deliveries", "/process", "/commands")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_and_lets_nothing_in_from_elsewhere(path: str, site: Site) -> None:
    answer = httpx.get(site.url + path)
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "<script" not in answer.text
    assert "style=" not in answer.text


@pytest.mark.parametrize(
    "path", ["/?track=nowhere", "/engagements/none", "/deliveries/999999", "/reports/none.csv"], ids=str
)
def test_what_is_not_there_is_said_so_on_a_page(path: str, site: Site) -> None:
    answer = httpx.get(site.url + path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_what_a_door_refuses_stays_the_doors_to_refuse(site: Site) -> None:
    assert httpx.get(f"{site.url}/webhooks/calculator").headers["content-type"] == "application/problem+json"


def test_without_an_application_for_the_login_there_are_no_pages(tmp_path: Path) -> None:
    with stage(tmp_path) as bare:
        assert [bare.client.get(bare.url + path).status_code for path in ("/", "/reports", "/login")] == [404] * 3
        assert bare.client.get(f"{bare.url}/help").status_code == 200


def test_an_engagement_goes_from_the_calculator_to_its_page(tmp_path: Path) -> None:
    with open_site(tmp_path, count=0) as site:
        assert "0 engagements" in httpx.get(site.url).text
        site.stage.submit(submission(customer_name='<b>Acme</b> & "Sons"'))
        assert site.stage.quiet()
        board = httpx.get(site.url).text
        assert "&lt;b&gt;Acme&lt;/b&gt; &amp; &#34;Sons&#34;" in board
        assert "Waits for <strong>Engagement Manager</strong>" in board
        site.world.add_note("erin", 1, "/ps next\n/ps estimate 62000 USD https://docs.google.com/x")
        assert site.stage.quiet()
        page = httpx.get(f"{site.url}/engagements/{site.some()[0]}").text
        for words in ("62,000 USD", "Awaiting Discovery", "erin said /ps next", 'href="https://docs.google.com/x"'):
            assert words in page


def test_the_board_counts_what_it_does_not_show(site: Site) -> None:
    answer = httpx.get(f"{site.url}/").text
    counted = site.service.store.read(
        lambda c: c.exec_driver_sql(
            "SELECT count(*) FROM stands WHERE track = 'proposal' AND state NOT LIKE 'closed%'"
        ).scalar_one()
    )
    assert f"{counted} engagement" in answer


@pytest.mark.parametrize("query", ["words=bank", "segment=SMB", "lead=erin", "role=em", "late=1", "words=%25_"])
def test_a_filter_shows_fewer(query: str, site: Site) -> None:
    def cards(path: str) -> int:
        return httpx.get(site.url + path).text.count('class="customer"')

    assert cards(f"/?{query}") < cards("/")


@pytest.mark.parametrize("name", names())
def test_every_report_is_a_file_as_well(name: str, site: Site) -> None:
    answer = httpx.get(f"{site.url}/reports/{name}.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert len(rows) > 1
    assert {len(row) for row in rows} == {len(rows[0])}


def test_deliveries_are_found_by_customer_state_and_number(site: Site) -> None:
    known, customer = site.some()
    found = httpx.get(f"{site.url}/deliveries", params={"words": customer}).text
    assert found.count(f'href="/engagements/{known}"') == found.count('href="/engagements/') > 0
    assert httpx.get(f"{site.url}/deliveries", params={"words": "1"}).text.count('href="/deliveries/1"') == 1
    assert "Nothing fits" in httpx.get(f"{site.url}/deliveries", params={"state": "waiting"}).text
