"""Every point on which the sources differ: what the seed's reading does, and what each other option changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from app.machine.gates import GateState, gate_state
from app.machine.outcome import AskedFor
from app.machine.scene import Scene
from app.methodology import Methodology, load_methodology
from app.methodology.timing import Counting
from tests.walks import INTAKE, Walk, begun, estimate

DEFAULTS = {
    "ta_gate": "above_threshold",
    "revenue_approval": "with_leadership",
    "legal_case": "em",
    "closed_won": "deal_desk",
    "legal_order": "after_approval",
    "delivery_prep": "stage_6",
    "discounts": "scoping_issue",
    "front_door": "calculator",
    "handoff": "pm",
    "timers": "hours",
    "customer_epic": "none",
}


@cache
def reading(switch: str, option: str) -> Methodology:
    """The methodology of a team that chose an option."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "own.yaml")
        path.write_text(f"extends: default\nswitches: {{{switch}: {{is: {option}}}}}\n")
        return load_methodology(path)


def gate(walk: Walk, name: str) -> GateState:
    return gate_state(name, walk.standing, walk.scene(), walk.methodology)


# -- each of these tells in one word what a methodology makes of the same story


def ta_of_a_small_estimate(methodology: Methodology) -> str:
    return gate(begun(methodology, worth=estimate("10")), "ta").value


def ta_of_a_large_catalogue_order(methodology: Methodology) -> str:
    return gate(begun(methodology, worth=estimate(), facts=Scene({}, is_sku=True)), "ta").value


def ready_for_approval_without_revenue(methodology: Methodology) -> str:
    walk = begun(methodology)
    walk.say("erin", "proposal::SOW_WIP")
    walk.say("ravi", "RDM::approved")
    walk.say("erin", "proposal::Ready For Approval")
    return walk.state("proposal")


def when_revenue_is_asked(methodology: Methodology) -> str:
    walk = begun(methodology, facts=Scene({}, ticked=frozenset({"scoping.sow"})))
    walk.say("erin", "proposal::SOW_WIP")
    return "in SOW_WIP" if any(notice.key.startswith("review:revenue") for notice in walk.notices) else "later"


def who_opens_the_legal_case(methodology: Methodology) -> str:
    walk = begun(methodology)
    walk.say("erin", "proposal::SOW_WIP")
    walk.say("ravi", "RDM::approved")
    walk.say("rhea", "Revenue::approved")
    walk.say("erin", "proposal::Ready For Approval")
    walk.say("dana", "proposal::Approved")
    [ask] = [notice.ask for notice in walk.notices if isinstance(notice, AskedFor)]
    return methodology.asks[ask].roles[0]


def who_closes_the_opportunity(methodology: Methodology) -> str:
    return methodology.criteria["closed_in_salesforce"].owner


def what_the_legal_stamp_is_warned_about_for(methodology: Methodology) -> str:
    return methodology.gates["legal"].before


def negotiating_with_a_ready_intake(methodology: Methodology) -> str:
    walk = begun(methodology)
    walk.say("erin", "Intake::Ready", on=INTAKE)
    walk.say("erin", "SFDC::5-Negotiating")
    return walk.state("intake")


def signing_with_a_ready_intake(methodology: Methodology) -> str:
    walk = begun(methodology)
    walk.say("erin", "Intake::Ready", on=INTAKE)
    walk.say("erin", "SFDC::6-Awaiting Signature")
    return walk.state("intake")


def who_is_asked_when_delivery_prep_begins(methodology: Methodology) -> str:
    return " and ".join(methodology.asks["delivery_prep"].roles)


def where_discounts_go(methodology: Methodology) -> str:
    return methodology.stages["scoping"].note or ""


def how_the_opportunity_comes_about(methodology: Methodology) -> str:
    return methodology.stages["positioning"].steps["opportunity"]


def who_leads_delivery_prep(methodology: Methodology) -> str:
    return methodology.stages["delivery_prep"].dri


def how_the_first_touch_is_counted(methodology: Methodology) -> Counting:
    return methodology.clocks["first_touch"].counts


def the_step_of_the_epic(methodology: Methodology) -> str:
    return methodology.stages["delivery_prep"].steps.get("epic", "")


CASES: list[tuple[str, str, Callable[[Methodology], str], str, str]] = [
    # switch, option, the story, how it ends by the seed's reading, and by the option
    ("ta_gate", "every_sow", ta_of_a_small_estimate, "not_needed", "open"),
    ("ta_gate", "not_standard", ta_of_a_large_catalogue_order, "open", "not_needed"),
    ("revenue_approval", "before_ready", ready_for_approval_without_revenue, "ready_for_approval", "sow_wip"),
    ("revenue_approval", "before_ready", when_revenue_is_asked, "later", "in SOW_WIP"),
    ("legal_case", "account_team", who_opens_the_legal_case, "em", "account_team"),
    ("closed_won", "account_team", who_closes_the_opportunity, "deal_desk", "account_team"),
    ("legal_order", "before_approval", what_the_legal_stamp_is_warned_about_for, "closed_won", "approved"),
    ("delivery_prep", "stage_5", negotiating_with_a_ready_intake, "ready", "staffing"),
    ("discounts", "chatter", where_discounts_go, "", "Discounts are approved in Salesforce Chatter and not here."),
    (
        "front_door", "salesforce", how_the_opportunity_comes_about, "Services-only opportunity created in Salesforce",
        "Services-only opportunity created with the button Create Services Opportunity",
    ),
    ("handoff", "pc", signing_with_a_ready_intake, "staffing", "ready"),
    ("handoff", "pc", who_is_asked_when_delivery_prep_begins, "pc and pm", "pc"),
    ("handoff", "pc", who_leads_delivery_prep, "pm", "pc"),
    ("timers", "business_days", how_the_first_touch_is_counted, "hours", "business_days"),
    ("customer_epic", "by_hand", the_step_of_the_epic, "", "Customer epic made and both issues linked to it"),
]  # fmt: skip
IDS = [f"{switch}-{story.__name__}" for switch, _, story, *_ in CASES]


@pytest.mark.parametrize(("switch", "option", "story", "seed", "other"), CASES, ids=IDS)
def test_by_default_it_goes_as_the_seed_says(
    switch: str, option: str, story: Callable[[Methodology], str], seed: str, other: str
) -> None:
    assert story(load_methodology()) == seed
    assert story(reading(switch, DEFAULTS[switch])) == seed


@pytest.mark.parametrize(("switch", "option", "story", "seed", "other"), CASES, ids=IDS)
def test_another_option_changes_what_happens(
    switch: str, option: str, story: Callable[[Methodology], str], seed: str, other: str
) -> None:
    assert story(reading(switch, option)) == other


def test_every_switch_has_its_reading_of_the_seed() -> None:
    assert {name: switch.chosen for name, switch in load_methodology().switches.items()} == DEFAULTS


def test_every_other_option_of_every_switch_is_tested_here() -> None:
    switches: Mapping[str, set[str]] = {
        name: set(switch.options) - {DEFAULTS[name]} for name, switch in load_methodology().switches.items()
    }
    assert {(name, option) for name, options in switches.items() for option in options} == {
        (switch, option) for switch, option, *_ in CASES
    }


def test_by_the_older_reading_delivery_prep_begins_when_the_engagement_is_won() -> None:
    walk = begun(reading("handoff", "pc"))
    walk.say("erin", "Intake::Ready", on=INTAKE)
    walk.say("desk", "SFDC::Closed Won")
    assert walk.states() == {"proposal": "closed_won", "intake": "staffing"}
