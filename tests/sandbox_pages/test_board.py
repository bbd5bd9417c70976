"""The boards: which card is where, and what moving it does."""

from __future__ import annotations

import re

import httpx
import pytest

from app.sandbox import AccessLevel, World

from .browser import BOARDS, Browser, Ear, flash_of


def columns(page: httpx.Response) -> dict[str, list[int]]:
    """The cards of each column that has some."""
    found: dict[str, list[int]] = {}
    for scope, key, body in re.findall(
        r'data-scope="(\w+)" data-column="([^"]+)".*?>(.*?)</section>', page.text, re.DOTALL
    ):
        cards = [int(card) for card in re.findall(r'data-card="(\d+)"', body)]
        if cards:
            found[f"{scope}/{key}"] = cards
    return found


def test_the_board_sorts_scoping_and_intake_issues_into_columns(browser: Browser, world: World) -> None:
    world.create_issue("erin", title="b", labels=["proposal::SOW_WIP", "Services Calculator"])
    world.create_issue("erin", title="c", labels=["proposal::Scoping"])
    world.create_issue("erin", title="d", labels=["proposal::SOW_WIP", "proposal::On_hold"])
    world.create_issue("erin", title="e", labels=["Project Scheduling Intake", "Intake::Draft"])
    world.create_issue("erin", title="f", labels=["Project Scheduling Intake"])
    world.create_issue("erin", title="g", labels=["Intake::Ready"])
    world.update_issue("erin", 7, state_event="close")
    assert columns(browser.get(BOARDS)) == {
        "proposal/open": [1],
        "proposal/proposal::SOW_WIP": [4, 2],
        "proposal/proposal::On_hold": [4],
        "proposal/proposal::Scoping": [3],
        "Intake/open": [6],
        "Intake/Intake::Draft": [5],
        "Intake/closed": [7],
    }


@pytest.mark.parametrize(
    ("labels", "is_open", "to", "labels_after", "is_open_after", "acts"),
    [
        pytest.param([], True, "proposal::SOW_WIP", ["proposal::SOW_WIP"], True, ["update"], id="first label"),
        pytest.param(
            ["bug", "proposal::On_hold", "proposal::X"],
            True,
            "proposal::Ready For Approval",
            ["bug", "proposal::Ready For Approval"],
            True,
            ["update"],
            id="another label, unknown before",
        ),
        pytest.param(["proposal::SOW_WIP"], True, "open", [], True, ["update"], id="to Open"),
        pytest.param(
            ["proposal::SOW_WIP"], True, "closed", ["proposal::SOW_WIP"], False, ["close", "update"], id="to Closed"
        ),
        pytest.param([], False, "proposal::SOW_WIP", ["proposal::SOW_WIP"], True, ["reopen", "update"], id="reopened"),
    ],
)
def test_moving_a_card_sets_label_and_state(
    browser: Browser,
    world: World,
    ear: Ear,
    labels: list[str],
    is_open: bool,
    to: str,
    labels_after: list[str],
    is_open_after: bool,
    acts: list[str],
) -> None:
    world.update_issue("erin", 1, labels=labels, state_event="reopen" if is_open else "close")
    ear.forget()
    page = browser.be("erin").post(f"{BOARDS}/move", {"iid": "1", "scope": "proposal", "to": to})
    assert (page.url.path, flash_of(page)) == (BOARDS, ("done", f"Moved #1 to {to}."))
    assert (world.label_titles(world.issue(1)), world.issue(1).is_open) == (labels_after, is_open_after)
    assert ear.told() == [("Issue Hook", "erin", act) for act in acts]


@pytest.mark.parametrize(
    "fields",
    [
        {"iid": "1", "scope": "proposal", "to": "bug"},
        {"iid": "1", "scope": "Segment", "to": "open"},
        {"iid": "x", "scope": "proposal", "to": "open"},
        {"scope": "proposal", "to": "open"},
    ],
)
def test_a_senseless_move_is_refused(browser: Browser, world: World, fields: dict[str, str]) -> None:
    assert browser.post(f"{BOARDS}/move", fields).status_code == 400
    assert world.labels_of(world.issue(1)) == []


def test_a_guest_cannot_move_the_card_of_another(browser: Browser, world: World) -> None:
    world.add_user("gina", level=AccessLevel.GUEST)
    page = browser.be("gina").post(f"{BOARDS}/move", {"iid": "1", "scope": "proposal", "to": "closed"})
    assert (page.status_code, world.issue(1).is_open) == (403, True)
