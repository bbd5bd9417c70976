"""What the bot says on each notice: what happened, what is missing, who can give it, and the next step."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engagement import EngagementId
from app.machine.criteria import Gap
from app.machine.gates import Missing
from app.machine.meeting import Meeting, MeetingState
from app.machine.outcome import (
    AskedFor,
    AskedReview,
    ClockNear,
    ClockOver,
    CouldNotFollow,
    Fallen,
    FieldsKept,
    HowDidItEnd,
    MeetingCalled,
    MeetingCancelled,
    MovedBack,
    NotAState,
    Notice,
    NotYours,
    PutBack,
    RefusedElsewhere,
    RestOver,
    SentBack,
    StageFollows,
    StageMismatch,
    TooEarly,
    YesFell,
)
from app.machine.standing import Approval, Paper, Place, Standing, Verdict
from app.methodology import Methodology, load_methodology
from app.methodology.model import AccessLevel
from app.methodology.parts import IssueKind
from app.methodology.process import Document
from app.notices import MAX_MENTIONS, Speech, notice_mark, notice_text
from app.sandbox.quick_actions import extract
from app.text import find_markers
from tests.properties.gfm_model import read
from tests.properties.strategies import nasty_texts
from tests.walks import with_digests

SCOPING, INTAKE = IssueKind.SCOPING, IssueKind.INTAKE
ACME = EngagementId("7f1c2a34-5b6d-4e8f-9a0b-1c2d3e4f5a6b")
METHODOLOGY = load_methodology(None)
MARK = notice_mark(ACME, "some:key")
DAY = datetime(2026, 11, 20, 9, tzinfo=UTC).timestamp()
PEOPLE = {"em": ("erin",), "ta": ("tara", "tom"), "account_team": ("alice",), "leadership": ("lea",), "pc": ("petra",)}
ESTIMATE = Paper(2, "erin", DAY, "https://docs.google.com/spreadsheets/d/1", Decimal("62000"), "USD", "ff")
BEFORE = replace(ESTIMATE, version=1, amount=Decimal("50000"))
SOW = Paper(1, "erin", DAY)
TA = Missing("ta", "TA review", "ta")
RDM = Missing("rdm", "RDM review", "rdm")
PM_INTRO = Meeting(
    state=MeetingState.PROPOSED,
    by="erin",
    at=DAY,
    starts_at=datetime(2026, 12, 1, 9, tzinfo=UTC).timestamp(),
    zone="Europe/Berlin",
    minutes=30,
    invited=("erin", "alice", "petra"),
)
FIRST = Missing("approved_first", "Approval before the close", "leadership")


def speech(
    proposal: str = "estimate_feedback",
    intake: str = "staffing",
    *,
    people: dict[str, tuple[str, ...]] | None = None,
    groups: dict[str, tuple[str, ...]] | None = None,
    **facts: Any,
) -> Speech:
    places = {"proposal": Place(proposal, DAY), "intake": Place(intake, DAY)}
    standing = with_digests(Standing(places=places, **{"papers": {"estimate": ESTIMATE}, **facts}), METHODOLOGY)
    return Speech(standing, PEOPLE if people is None else people, groups or {})


def told(notice: Notice, given: Speech | None = None, methodology: Methodology = METHODOLOGY) -> str:
    text = notice_text(notice, given or speech(), methodology, mark=MARK)
    assert text.startswith(f"{MARK}\n\n")
    return text.removeprefix(f"{MARK}\n\n")


def put_back(*missing: Missing, wanted: str = "sow_wip", by: str | None = "erin", is_kept: bool = False) -> PutBack:
    return PutBack("move:scoping:7", SCOPING, "proposal", wanted, by, missing, is_kept)


def yes_of_lea() -> Approval:
    return Approval(Verdict.PASSED, "lea", DAY, 1, papers={"estimate": BEFORE, "sow": SOW})


WHOLE: dict[str, tuple[Notice, Speech, str]] = {
    "a no with its reason": (
        SentBack("no:ta:2:1", SCOPING, "ta"),
        speech("strawman_wip", approvals={"ta": Approval(Verdict.FAILED, "tara", DAY, 2, words="too `few` hours")}),
        "@erin: `tara` asks for changes (**TA review**): `too `&#96;`few`&#96;` hours`\n"
        "\n"
        "The issue is at **Strawman**. When it is done, `/ps estimate AMOUNT CURRENCY` puts the next version on record "
        "and asks again.",
    ),
    "a yes that fell with what it was said to": (
        YesFell("void:leadership:1", SCOPING, Fallen((("leadership", yes_of_lea()),))),
        speech(papers={"estimate": ESTIMATE, "sow": SOW}, approvals={"leadership": yes_of_lea()}),
        "@lea, what you said yes to has changed, so your yes does not count any more:\n"
        "\n"
        "- Estimate: version 2, `62,000 USD` (fixed fee), "
        "\u200b[`open it`](https://docs.google.com/spreadsheets/d/1), by `erin`; "
        "before: version 1, `50,000 USD` (fixed fee), \u200b[`open it`](https://docs.google.com/spreadsheets/d/1)\n"
        "\n"
        "Void now: **Approval of PS leadership** (`lea`, for SOW version 1, estimate version 1).\n"
        "\n"
        "I will ask you again when it is your turn.",
    ),
    "a meeting that was proposed": (
        MeetingCalled("meeting:pm_intro:1:0", INTAKE, "pm_intro", ("alice", "petra")),
        speech(meetings={"pm_intro": PM_INTRO}),
        "@alice, @petra: **PM introduction** on Tuesday 2026-12-01 10:00 to 10:30 (Europe/Berlin).\n"
        "\n"
        "Proposed by `erin`. Invited: `erin`, `alice`, `petra`. The file below holds the agenda; open it to have the "
        "meeting in your calendar.\n"
        "\n"
        "- To move it: `/ps meeting pm-intro propose DATE TIME`\n"
        "- To call it off: `/ps meeting pm-intro cancel`\n"
        "- When it was held: `/ps meeting pm-intro held`",
    ),
    "a meeting that was called off": (
        MeetingCancelled("meeting:pm_intro:1:1", INTAKE, "pm_intro"),
        speech(meetings={"pm_intro": replace(PM_INTRO, state=MeetingState.CANCELLED, by="petra", sequence=1)}),
        "**PM introduction** was called off by `petra`. It was to be on Tuesday 2026-12-01 10:00 (Europe/Berlin).\n"
        "\n"
        "Whoever has it in the calendar: this file takes it out again.",
    ),
    "little time that is left": (
        ClockNear("clock:first_touch:near:1", SCOPING, "first_touch", DAY),
        speech(),
        "@erin: Please take a first look at this request.\n"
        "\n"
        "**First touch**: there is time until Friday 2026-11-20 09:00 (UTC).",
    ),
    "time that is over": (
        ClockOver("clock:first_touch:over:1", SCOPING, "first_touch", DAY),
        speech(),
        "@erin, @lea: Please take a first look at this request.\n"
        "\n"
        "**First touch**: the time was over on Friday 2026-11-20 09:00 (UTC).",
    ),
    "two months without a word": (
        ClockOver("clock:idle:over:1", SCOPING, "idle", DAY, DAY),
        speech(),
        "@erin: Nothing has happened here for two months. If this engagement is still alive, say anything here, or put "
        "it on hold.\n"
        "\n"
        "Otherwise I move it to **Closed Lost** on Friday 2026-11-20 09:00 (UTC).",
    ),
    "a rest that was to end": (
        RestOver("rest:proposal:1:2026-11-20", SCOPING, "proposal"),
        replace(speech(), standing=Standing(places={"proposal": Place("on_hold", DAY, until="2026-11-20")})),
        "@erin: Scoping was to be on hold until 2026-11-20. Please say how it goes on.\n"
        "\n"
        "`/ps resume` takes it up again, `/ps hold until DATE` lets it rest longer.",
    ),
    "a move back by somebody else": (
        MovedBack("back:proposal:sow.wip:1", SCOPING, "proposal", "lea", "the customer wants fewer waves"),
        speech("sow_wip"),
        "@erin: `lea` has moved this issue back to **SOW**: `the customer wants fewer waves`",
    ),
    "a move that skipped a gate": (
        put_back(TA),
        speech(asked={"ta": 2}),
        "@erin, I have put the issue back to **Estimate Feedback**. Before `proposal::SOW_WIP` this has to be there:\n"
        "\n"
        "- **TA review**: Technical Architect (`tara`, `tom`), with `/ps ta approve`, or the label `TA::Approved`\n"
        "\n"
        "Then please set `proposal::SOW_WIP` again.",
    ),
    "a yes that is kept": (
        put_back(RDM, wanted="approved", by="lea", is_kept=True),
        speech("ready_for_approval", papers={"sow": SOW}),
        "@lea, I have kept your yes, thank you. "
        "The issue stays at **Ready For Approval** until this is there as well:\n"
        "\n"
        "- **RDM review**: Regional Delivery Manager (nobody is named), "
        "with `/ps rdm approve`, or the label `RDM::approved`\n"
        "\n"
        "Then it moves to **Approved** by itself; there is nothing else for you to do.",
    ),
    "a label of somebody else's": (
        NotYours("gate:scoping:7", SCOPING, "TA review", "ta", "mallory"),
        speech(),
        "@mallory, I have undone that change: **TA review** is for: Technical Architect (`tara`, `tom`).",
    ),
    "a yes to one's own estimate": (
        NotYours("gate:scoping:7", SCOPING, "TA review", "ta", "Tara", own_estimate=True),
        speech(),
        "@Tara, I have undone that change: nobody passes their own estimate.\n"
        "\n"
        "Please ask somebody else who can: Technical Architect (`tom`).",
    ),
    "a yes to nothing yet": (
        TooEarly("gate:scoping:4", SCOPING, "RDM review", Document.SOW, "ravi"),
        speech(),
        "@ravi, thank you, but there is no SOW yet that **RDM review** could be about.\n"
        "\n"
        "I have taken the label off. Please set it again when there is one.",
    ),
    "a label that no state has": (
        NotAState("state:intake:7", INTAKE, "intake", "petra"),
        speech(),
        "@petra, I have taken off a label of `Intake::` that no state has. The issue stays at **Staffing**.\n"
        "\n"
        "To move it, please set one of these: `Intake::Draft`, `Intake::Needs-Info`, `Intake::Ready`, "
        "`Intake::Staffing`, `Intake::Staffed`, `Intake::Scheduled`, `Intake::Cancelled`.",
    ),
    "a review": (
        AskedReview("review:ta:2", SCOPING, "ta"),
        speech(),
        "**TA review** – @tara, @tom: Please review the estimate from the delivery side.\n"
        "\n"
        "It is about the estimate: version 2, `62,000 USD` (fixed fee), "
        "\u200b[`open it`](https://docs.google.com/spreadsheets/d/1), by `erin`.\n"
        "\n"
        "To say yes: `/ps ta approve`, or the label `TA::Approved`. "
        "To send it back: `/ps ta reject REASON`, or the label `TA::Changes-Requested`.",
    ),
    "something is asked": (
        AskedFor("ask:delivery_prep", INTAKE, "delivery_prep", (Gap("pm_named", "A PM is named", "pc"),)),
        speech(people={"pc": ("petra",), "pm": ("paul", "petra")}),
        "@petra, @paul: Delivery Prep begins. Please name a PM, find the people and plan the handover.\n"
        "\n"
        "What is missing, and who can bring it:\n"
        "\n"
        "- A PM is named: Project Coordinator (`petra`); `/ps staff pm @USER`",
    ),
    "an issue that was closed": (
        HowDidItEnd("closed:scoping:7", SCOPING, "proposal", "erin"),
        speech(),
        "@erin, I see that this issue was closed, but it is still at **Estimate Feedback**. "
        "Is this engagement won or lost?\n"
        "\n"
        "- Closed Won: set `proposal::Closed_Won`\n"
        "- Closed Lost: set `proposal::Closed_Lost`, and why: `Lost::budget`, `Lost::scheduling`, `Lost::unknown`, "
        "`Lost::NoServiceFit`\n"
        "- On Hold: set `proposal::On_hold`\n"
        "\n"
        "If it goes on, please open the issue again.",
    ),
    "a stage that does not fit": (
        StageMismatch("stage:estimate_feedback:7-Closing", SCOPING, "proposal", "7-Closing"),
        speech(),
        "@erin: Salesforce is at `7-Closing`, and this issue at **Estimate Feedback**, where usual is `4-Proposal`.\n"
        "\n"
        "Please bring one of the two up to date, if that is not meant. Nothing is held back by it.",
    ),
    "another stage than Salesforce is at, set by hand": (
        StageFollows("stage-label:7", SCOPING, "7-Closing"),
        speech(),
        "@erin: Salesforce is at `7-Closing`, so I have set `SFDC::7-Closing` again.\n"
        "\n"
        "This label follows the opportunity by itself: please change the stage there.",
    ),
    "a field in which somebody else has written": (
        FieldsKept("kept:Professional_Services_Value__c", SCOPING, "Professional_Services_Value__c"),
        speech(),
        "@erin: in Salesforce `Professional_Services_Value__c` says something else.\n"
        "\n"
        "Somebody wrote that, so I leave it as it is. If it should say what I know, please empty it.",
    ),
    "a no that others said in Salesforce": (
        RefusedElsewhere("refused:finance:7", SCOPING, "finance", "Rejected"),
        speech(),
        "@erin: the approval of Finance says `Rejected` in Salesforce.\n"
        "\n"
        "Why stands there. When the SOW is changed, `/ps sow URL` puts its next version on record.",
    ),
    "a track that could not follow": (
        CouldNotFollow("follow:intake:won", INTAKE, "The engagement is won", (Gap("x", "A PM is named", "pc"),)),
        speech(),
        "@petra: **The engagement is won.**\n"
        "\n"
        "What is missing, and who can bring it:\n"
        "\n"
        "- A PM is named: Project Coordinator (`petra`)\n"
        "\n"
        "When that is there, please move this issue on: set `Intake::Staffed`.",
    ),
}


@pytest.mark.parametrize(("notice", "given", "words"), WHOLE.values(), ids=WHOLE)
def test_the_whole_comment_on(notice: Notice, given: Speech, words: str) -> None:
    assert told(notice, given) == words


def test_there_is_an_example_of_every_kind() -> None:
    assert {type(notice) for notice, _, _ in WHOLE.values()} == set(get_args(Notice))


PARTS: dict[str, tuple[Notice, Speech, str]] = {
    "who asked for changes": (
        put_back(TA),
        speech(approvals={"ta": Approval(Verdict.FAILED, "tara", DAY, 2, "", {"estimate": ESTIMATE}, "too few hours")}),
        "or the label `TA::Approved`; `tara` said no to estimate version 2 on 2026-11-20: `too few hours`",
    ),
    "that a yes was for an older version": (
        put_back(TA),
        speech(
            approvals={"ta": Approval(Verdict.PASSED, "tara", DAY, 1, papers={"estimate": BEFORE})}
        ),
        "with `/ps ta approve`, or the label `TA::Approved`; `tara` said yes to estimate version 1 on 2026-11-20 "
        "(changed since); `/ps ta request` asks for it",
    ),
    "what passes a gate that has no label": (
        put_back(FIRST, wanted="closed_won"),
        speech(),
        "PS leadership (`lea`). It is there when: PS leadership approved the SOW, or Salesforce says closed-won "
        "(the label `SFDC::Closed Won`)\n",
    ),
    "that a document is not on record": (
        AskedReview("review:rdm:0", SCOPING, "rdm"),
        speech("sow_wip"),
        "The SOW is not on record yet: look for it on this issue, or ask for it here.",
    ),
    "the version of a document, however often it was opened again": (
        AskedReview("review:rdm:2", SCOPING, "rdm"),
        speech("sow_wip", papers={"sow": SOW, "estimate": ESTIMATE}, reopened={"sow": 1}),
        "It is about the SOW: version 1, by `erin`. With it: estimate version 2.",
    ),
    "what a yes will be bound to and is not there yet": (
        AskedReview("review:rdm:2", SCOPING, "rdm"),
        speech("sow_wip", papers={"sow": SOW, "estimate": ESTIMATE}),
        "Not on record yet: cost sheet (COGS) (`/ps cogs URL`); "
        "a yes from before it is on record falls when it comes.",
    ),
    "the way back where there is no label for a no": (
        AskedReview("review:leadership:1", SCOPING, "leadership"),
        speech("ready_for_approval", papers={"sow": SOW}),
        "To send it back: `/ps reject REASON`, or the label `proposal::SOW_WIP`.",
    ),
    "that nobody holds a role": (
        AskedReview("review:revenue:1", SCOPING, "revenue"),
        speech("ready_for_approval"),
        "Nobody holds the role Revenue and Finance in the methodology. "
        "I ask whoever reads this: Please check the SOW for Revenue.",
    ),
    "that nobody holds one of the roles": (
        AskedFor("ask:delivery_prep", INTAKE, "delivery_prep", ()),
        speech(),
        "plan the handover. Nobody holds the role Project Manager in the methodology.",
    ),
    "a group where no people are named": (
        AskedReview("review:rdm:0", SCOPING, "rdm"),
        speech("sow_wip", groups={"rdm": ("ps/delivery_managers", "ps/_more")}),
        "@ps/delivery_managers, @ps/\\_more: Please review",
    ),
    "people where both are named": (
        AskedReview("review:ta:2", SCOPING, "ta"), speech(groups={"ta": ("ps/architects",)}), "– @tara, @tom: Please",
    ),
    "a group of somebody to ask, as code": (
        put_back(RDM), speech(groups={"rdm": ("ps/rdm",)}), "Regional Delivery Manager (group `ps/rdm`), with",
    ),
    "no name where the user is gone": (
        put_back(TA, by=None), speech(), "I have put the issue back to **Estimate Feedback**.",
    ),
    "a state without a label": (
        put_back(TA), speech("open"), "I have put the issue back to **Open**.",
    ),
    "nothing next at the last state": (
        CouldNotFollow("follow:x:y", INTAKE, "Something", ()), speech(intake="scheduled"), "**Something.**",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("notice", "given", "words"), PARTS.values(), ids=PARTS)
def test_it_says(notice: Notice, given: Speech, words: str) -> None:
    assert words in told(notice, given)


def test_it_ends_where_nothing_can_be_done() -> None:
    assert told(CouldNotFollow("follow:x:y", INTAKE, "Something", ()), speech(intake="scheduled")) == "**Something.**"


def test_it_asks_for_no_label_where_the_bot_goes_on_by_itself() -> None:
    text = told(CouldNotFollow("follow:x:y", INTAKE, "Something", ()), speech(intake="needs_info"))
    assert "please move" not in text


def test_whoever_has_access_is_asked_where_a_role_goes_by_that() -> None:
    role = METHODOLOGY.roles["revenue"].model_copy(update={"access_level": AccessLevel.MAINTAINER})
    methodology = METHODOLOGY.model_copy(update={"roles": {**METHODOLOGY.roles, "revenue": role}})
    text = told(AskedReview("review:revenue:1", SCOPING, "revenue"), speech("ready_for_approval"), methodology)
    assert "It is for the Revenue and Finance (whoever is maintainer or above). I ask whoever reads this:" in text


def test_a_gate_with_a_yes_but_no_way_back_is_answered_in_words() -> None:
    text = told(AskedReview("review:leadership:1", SCOPING, "leadership"), speech("open", papers={"sow": SOW}))
    assert (
        "To say yes: `/ps approve`, or the label `proposal::Approved`. If something has to change, say so in a comment."
        in text
    )


MENTIONS = {name: (notice, given) for name, (notice, given, _) in {**WHOLE, **PARTS}.items()}


@pytest.mark.parametrize(("notice", "given"), MENTIONS.values(), ids=MENTIONS)
def test_only_who_acted_and_who_is_asked_are_mentioned_and_nothing_runs(notice: Notice, given: Speech) -> None:
    text = notice_text(notice, given, METHODOLOGY, mark=MARK)
    live = read(text).live
    assert all(each.startswith("mention: ") for each in live)
    asking = AskedReview | AskedFor | CouldNotFollow | YesFell | SentBack | MovedBack | ClockNear | ClockOver | RestOver
    asking |= MeetingCalled | StageMismatch | StageFollows | FieldsKept | RefusedElsewhere
    if not isinstance(notice, asking):
        assert len(live) == (1 if getattr(notice, "by", None) else 0)
    assert extract(text).commands == ()
    assert len(text) < 1_000
    assert [marker.kind for marker in find_markers(text)] == ["notice"]


def test_of_many_holders_the_first_few_are_mentioned() -> None:
    many = tuple(f"ta{number}" for number in range(20))
    text = told(AskedReview("review:ta:2", SCOPING, "ta"), speech(people={"ta": many}))
    assert text.count("@") == MAX_MENTIONS
    assert "@ta4: Please" in text


@pytest.mark.parametrize("name", ["all", "jane.git", "no name", "`", "a/b\n/close", ""])
def test_what_is_no_user_name_is_never_mentioned(name: str) -> None:
    notices: list[Notice] = [put_back(TA, by=name), AskedReview("review:ta:2", SCOPING, "ta")]
    for notice in notices:
        text = told(notice, speech(people={"ta": (name,)}))
        assert "@" not in text
        assert extract(text).commands == ()


@pytest.mark.parametrize("path", ["all", "ps/x.git", "a b", "", "ps//x"])
def test_what_is_no_group_is_never_mentioned(path: str) -> None:
    assert "@" not in told(AskedReview("review:ta:2", SCOPING, "ta"), speech(people={}, groups={"ta": (path,)}))


@given(words=nasty_texts(), other=nasty_texts())
def test_no_word_of_a_stranger_breaks_a_comment(words: str, other: str) -> None:
    paper = Paper(1, words, DAY, other, Decimal("1"), words, other)
    given_ = speech(papers={"estimate": paper, "sow": paper}, approvals={"ta": Approval(Verdict.FAILED, words, DAY, 1)})
    for notice in (AskedReview("review:ta:1", SCOPING, "ta"), put_back(TA, RDM)):
        text = notice_text(notice, given_, METHODOLOGY, mark=MARK)
        called = ("mention: '@tara", "mention: '@tom", "mention: '@erin")
        assert all(live.startswith(called) for live in read(text).live)
        assert extract(text).commands == ()
        assert read(text).html == (f"{MARK}\n",)


KEYS = ["move:scoping:123", "review:ta:0", "ask:legal_case", "follow:intake:closed_won", "closed:intake:1"]


@pytest.mark.parametrize("key", KEYS)
def test_a_comment_is_found_again_by_its_key(key: str) -> None:
    (found,) = find_markers(notice_mark(ACME, key))
    assert found.kind == "notice"
    assert found.ident == f"{ACME}-{key.replace(':', '-').replace('_', '.')}"


@given(one=st.from_regex(r"[a-z_]{1,9}:[a-z_]{1,20}:[0-9]{1,9}", fullmatch=True), other=st.data())
def test_two_keys_never_share_a_mark(one: str, other: st.DataObject) -> None:
    second = other.draw(st.from_regex(r"[a-z_]{1,9}:[a-z_]{1,20}:[0-9]{1,9}", fullmatch=True))
    assert (notice_mark(ACME, one) == notice_mark(ACME, second)) == (one == second)
