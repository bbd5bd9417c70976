"""Who gets in, what they see and what they may do; through GitLab's own login, played by the sandbox."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.sandbox.people import AccessLevel

from .conftest import Site, logged_in


def _csrf(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    return found[1] if found else ""


def test_whoever_is_not_logged_in_is_sent_to_gitlab_with_a_challenge(house: Site) -> None:
    first = httpx.get(f"{house.url}/reports")
    assert (first.status_code, first.headers["location"]) == (303, "/login")
    asked = httpx.get(f"{house.url}/login", cookies=first.cookies)
    query = parse_qs(urlsplit(asked.headers["location"]).query)
    assert asked.headers["location"].startswith(house.service.settings.gitlab_url + "/oauth/authorize")
    assert query["scope"] == ["read_user"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"{house.url}/login/gitlab"]


def test_a_member_comes_back_to_the_page_that_was_asked_for(house: Site) -> None:
    with logged_in(house, "erin") as browser:
        browser.cookies.delete("psplan_session")
        answer = browser.get("/reports?segment=SMB")
        assert (answer.status_code, answer.url.path) == (200, "/reports")
        assert ">erin<" in answer.text


def test_a_member_of_nothing_is_told_so(house: Site) -> None:
    house.world.set_level("sam", AccessLevel.NONE)
    house.service.directory.warm()
    with logged_in(house, "sam") as browser:
        answer = browser.get("/")
        assert answer.status_code == 403
        assert "You are sam in GitLab, and no member of the project" in answer.text


@pytest.mark.parametrize(
    "path", ["/login/gitlab", "/login/gitlab?code=x&state=y", "/login/gitlab?error=access_denied&state=y"]
)
def test_an_answer_of_nobody_logs_nobody_in(path: str, house: Site) -> None:
    answer = httpx.get(house.url + path)
    assert answer.status_code == 403
    assert "GitLab did not confirm" in answer.text
    assert httpx.get(house.url, cookies=answer.cookies).status_code == 303


def test_a_code_is_of_no_use_to_another_browser(house: Site) -> None:
    with httpx.Client(base_url=house.url, timeout=10) as mine, httpx.Client(base_url=house.url, timeout=10) as theirs:
        to_gitlab = mine.get("/login").headers["location"]
        back = httpx.get(to_gitlab).headers["location"]
        theirs.get("/login")
        assert theirs.get(back).status_code == 403
        assert mine.get(back).status_code == 303


def test_a_session_that_was_tampered_with_is_none(house: Site) -> None:
    with logged_in(house, "erin") as browser:
        session = browser.cookies["psplan_session"]
    flipped = session[:5] + ("A" if session[5] != "A" else "B") + session[6:]
    assert httpx.get(house.url, cookies={"psplan_session": flipped}).status_code == 303


def test_a_guest_sees_nothing_of_what_is_confidential(house: Site) -> None:
    secret, _ = house.some(is_confidential=True)
    house.world.set_level("alice", AccessLevel.GUEST)
    house.service.directory.warm()
    with logged_in(house, "alice") as guest, logged_in(house, "erin") as erin:
        assert secret in erin.get("/?state=open&words=").text + "".join(
            erin.get(f"/?state={state}").text for state in house.service.playbook.methodology.tracks["proposal"].states
        )
        for path in ("/", "/reports", "/reports/funnel.csv"):
            assert guest.get(path).status_code == 200
            assert secret not in guest.get(path).text
        assert guest.get("/reports/funnel.csv").text != erin.get("/reports/funnel.csv").text
        assert erin.get(f"/engagements/{secret}").status_code == 200
        for path in (f"/engagements/{secret}", "/deliveries", "/deliveries/1"):
            assert guest.get(path).status_code == 404
        assert 'href="/deliveries' not in guest.get("/").text, "no way leads to where nothing is shown"
        assert 'href="/deliveries"' in erin.get("/").text
    house.world.set_level("alice", AccessLevel.REPORTER)
    house.service.directory.warm()


def test_only_an_operator_runs_a_delivery_again_and_only_from_the_page(house: Site) -> None:
    with logged_in(house, "evan") as browser:
        page = browser.get("/deliveries/1")
        assert "Run it again" not in page.text
        assert browser.post("/deliveries/1/replay", data={"csrf": "x"}).status_code == 403
    house.world.set_level("erin", AccessLevel.MAINTAINER)
    house.service.directory.warm()
    with logged_in(house, "erin") as browser:
        csrf = _csrf(browser.get("/deliveries/1"))
        assert browser.post("/deliveries/1/replay", data={"csrf": "x"}).status_code == 403
        elsewhere = {"Origin": "https://evil.example"}
        assert browser.post("/deliveries/1/replay", data={"csrf": csrf}, headers=elsewhere).status_code == 403
        answer = browser.post("/deliveries/1/replay", data={"csrf": csrf})
        assert answer.status_code == 200
        assert "It is being worked on again" in answer.text
        assert "there is no delivery" in browser.post("/deliveries/99999/replay", data={"csrf": csrf}).text


def test_logging_out_ends_it(house: Site) -> None:
    with logged_in(house, "erin") as browser:
        assert "You are logged out here" in browser.post("/logout").text
        assert browser.get("/", follow_redirects=False).status_code == 303


def test_the_client_secret_goes_to_the_configured_gitlab_only_and_is_shown_nowhere(house: Site) -> None:
    with logged_in(house, "erin") as browser:
        pages = [browser.get(path) for path in ("/", "/login", "/reports")]
    assert not any("a-secret-of-the-application" in page.text + str(page.headers) for page in pages)
