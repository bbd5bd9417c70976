"""The pages as they are sent: every one answers, says what it should, and takes in no text as anything but text."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

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
    "path",
    [
        "/?track=nowhere",
        "/engagements/none",
        "/engagements/%00",
        "/deliveries/999999",
        f"/deliveries/{10**40}",
        "/reports/none.csv",
    ],
    ids=str,
)
def test_what_is_not_there_is_said_so_on_a_page(path: str, site: Site) -> None:
    answer = httpx.get(site.url + path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


@pytest.mark.parametrize("form", [{"csrf": "é"}, {"csrf": "x"}, {}], ids=str)
@pytest.mark.parametrize("origin", ["http://[", "null", "https://evil.example"])
def test_a_form_that_no_page_of_ours_sent_is_refused_however_odd_it_is(
    origin: str, form: dict[str, str], site: Site
) -> None:
    answer = httpx.post(f"{site.url}/deliveries/1/replay", data=form, headers={"Origin": origin})
    assert answer.status_code == 403
    assert httpx.post(f"{site.url}/deliveries/1/replay", data=form).status_code == 403


def test_a_database_that_is_away_is_said_on_a_page(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: object) -> None:
        raise OperationalError("SELECT customer", {}, Exception("the server closed the connection"))

    monkeypatch.setattr(site.service.store, "read", away)
    answer = httpx.get(f"{site.url}/reports")
    assert answer.status_code == 503
    assert "The database does not answer just now" in answer.text


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


def test_what_can_be_filtered_by_is_what_is_there_to_be_filtered(site: Site) -> None:
    page = httpx.get(f"{site.url}/?state=closed_lost").text
    lost = httpx.get(f"{site.url}/?state=closed_lost&segment=SMB").text
    assert lost.count('class="customer"') > 0
    assert "<option selected>SMB</option>" in lost
    assert "<option>SMB</option>" in page
    assert 'value="em"' not in page, "what has ended waits for nobody"


def test_the_rest_of_a_column_is_looked_at_through_the_same_filter(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.pages.board.MOST_CARDS", 1)
    page = httpx.get(f"{site.url}/?words=a&segment=SMB").text
    link = re.search(r'<a href="(/\?track=proposal&amp;state=[^"]+)">All (\d+) of', page)
    assert link is not None
    assert httpx.get(site.url + unescape(link[1])).text.count('class="customer"') == int(link[2])


@pytest.mark.parametrize(
    ("state", "zone", "now", "is_late"),
    [
        ("open", "UTC", "2026-03-01T23:30:00Z", False),
        ("open", "Pacific/Auckland", "2026-03-01T23:30:00Z", True),
        ("open", "America/Los_Angeles", "2026-03-02T05:00:00Z", False),
        ("closed_won", "UTC", "2026-06-01T00:00:00Z", False),
    ],
)
def test_it_is_late_when_its_day_is_over_where_the_team_works_and_only_while_it_is_open(
    state: str, zone: str, now: str, *, is_late: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = datetime.fromisoformat(now).timestamp()
    (tmp_path / "own.yaml").write_text(f"extends: default\ntime_zone: {zone}\n")
    with open_site(tmp_path, count=1, clock=lambda: moment, methodology=tmp_path / "own.yaml") as site:
        site.service.store.write(
            lambda c: (
                c.exec_driver_sql("UPDATE pipeline SET due = '2026-03-01'"),
                c.execute(
                    text(
                        "UPDATE stands SET state = :state, clock = NULL, clock_due_at = NULL WHERE track = 'proposal'"
                    ),
                    {"state": state},
                ),
            )
        )
        assert ("due 2026-03-01, late" in httpx.get(f"{site.url}/?state={state}").text) is is_late
        assert ("is-late" in httpx.get(f"{site.url}/?state={state}&late=1").text) is is_late


@pytest.mark.parametrize(
    ("state", "left_s", "told"),
    [
        ("strawman_wip", 7200, "Estimate: 2 h left"),
        ("strawman_wip", -7200, "Estimate: 2 h late"),
        ("closed_lost", -7200, None),
    ],
)
def test_a_card_shows_the_next_clock(state: str, left_s: int, told: str | None, tmp_path: Path) -> None:
    moment = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()
    with open_site(tmp_path, count=1, clock=lambda: moment) as site:
        row = {"state": state, "due_at": moment + left_s}
        change = text("UPDATE stands SET state = :state, clock = 'estimate', clock_due_at = :due_at")
        site.service.store.write(lambda c: c.execute(change, row))
        page = " ".join(httpx.get(f"{site.url}/?track=proposal&state={state}").text.split())
        assert (told or "Estimate:") in page if told else "Estimate:" not in page
        assert ("is-late" in page) is (told is not None and "late" in told)


def test_an_engagement_that_is_over_is_nowhere_on_its_way(tmp_path: Path) -> None:
    with open_site(tmp_path, count=0) as site:
        site.stage.submit(submission())
        assert site.stage.quiet()
        (ident,) = re.findall(r'href="/engagements/([^"]+)"', httpx.get(site.url).text)
        for words in ("/ps next", "/ps lost price"):
            site.stage.world.add_note("erin", 1, words)
            assert site.stage.quiet()
        page = httpx.get(f"{site.url}/engagements/{ident}").text
        way = page.partition('<ol class="way">')[2].partition("</ol>")[0]
        steps = re.findall(r'<li class="step (\w+)"', way)
        assert steps == ["behind", "behind", *["ahead"] * (len(steps) - 2)]
        assert way.count(": not reached<") > 2
        assert ": open<" not in way


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
