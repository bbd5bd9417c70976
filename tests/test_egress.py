"""Egress: the token goes to the configured GitLab and nowhere else, whatever GitLab answers and wherever we run."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.adapters.gitlab import PythonGitLab
from app.adapters.restraint import Restraint
from app.errors import Permanent
from app.metrics import Metrics
from tests.elsewhere import answering


def port_to(url: str) -> PythonGitLab:
    return PythonGitLab(
        url=url,
        token="glpat-canary",
        project="ps/ps-plan",
        timeout_s=5.0,
        clock=lambda: 0.0,
        restraint=Restraint({}, lambda: 0.0, Metrics()),
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_the_other_host_hears_nothing(status: int) -> None:
    with answering(200) as other, answering(status, {"Location": f"{other.url}/api/v4/user"}) as gitlab:
        port = port_to(gitlab.url)
        asks = (port.whoami, port.members, lambda: port.create_note(1, "x"), lambda: port.delete_note(1, 1))
        for ask in asks:
            with pytest.raises(Permanent, match="PSPLAN_GITLAB_URL must be its final address"):
                ask()
        assert [headers["PRIVATE-TOKEN"] for headers in gitlab.seen] == ["glpat-canary"] * len(asks)
        assert other.seen == []


@pytest.mark.parametrize("path", ["/somewhere", "/api/v4/groups?page=2", "@evil.example.com/api/"])
def test_a_next_page_on_another_host_is_not_fetched(path: str) -> None:
    row = b'[{"id": 1, "username": "a", "access_level": 10}]'
    with answering(200, body=b"[]") as other:
        link = {"Link": f'<{other.url}{path}>; rel="next"'}
        with answering(200, link, row) as gitlab:
            with pytest.raises(Permanent):
                endless(port_to(gitlab.url))
            assert other.seen == []


def endless(port: PythonGitLab) -> None:
    """A list whose every page leads on ends either by refusal or, on the right host, at the bound."""
    found = port.members()
    assert len(found) == 1000
    raise Permanent("all pages were on the right host")


def test_a_netrc_does_not_take_the_place_of_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\ndefault login any password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with answering(200, body=b'{"id": 1, "username": "ps-bot"}') as gitlab:
        assert port_to(gitlab.url).whoami().username == "ps-bot"
        (headers,) = gitlab.seen
        assert headers["PRIVATE-TOKEN"] == "glpat-canary"
        assert "Authorization" not in headers
