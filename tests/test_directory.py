"""Who holds a role, as the directory tells it: what GitLab is asked, how long it is believed, and what goes through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from app.directory import GROUP_KNOWN_FOR_S, GROUP_TRUSTED_FOR_S, REFRESH_S, TOLD_AGAIN_S, Directory, Held
from app.errors import Absent, Permanent, Retry
from app.methodology.model import Role
from app.ports import GitLab, Member, Person

ROLE = {"title": "Engagement Manager"}


@dataclass
class HandClock:
    """Stands still until it is moved."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class People:
    """The part of the port that is about people; `fault` is raised instead of an answer; `asked` is what was called."""

    project: list[Member] = field(default_factory=list)
    groups: dict[str, list[str]] = field(default_factory=dict)
    fault: Exception | None = None
    asked: list[str] = field(default_factory=list)

    def whoami(self) -> Person:
        return Person(99, "ps-bot")

    def members(self) -> Sequence[Member]:
        self._ask("members")
        return list(self.project)

    def group_members(self, path: str) -> Sequence[Person]:
        self._ask(path)
        if path not in self.groups:
            raise Absent("no such group")
        return [Person(number, name) for number, name in enumerate(self.groups[path], 1)]

    def find_user(self, username: str) -> Person | None:
        self._ask(f"@{username}")
        return None

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def people() -> People:
    levels = {"Gus": 10, "Pia": 15, "Rob": 20, "Dev": 30, "Max": 40, "Olga": 50}
    members = [Member(number, name, level) for number, (name, level) in enumerate(levels.items(), 1)]
    return People(members, {"ps/ems": ["Erin", "evan"], "ps/tas": ["tara"]})


@pytest.fixture
def directory(people: People, clock: HandClock) -> Directory:
    port: GitLab = people  # type: ignore[assignment]
    return Directory(port, clock)


def role(**given: object) -> Role:
    return Role.model_validate({**ROLE, **given})


@pytest.mark.parametrize(
    ("given", "holders", "asked"),
    [
        ({}, set(), []),
        ({"users": ("Jane", "joe")}, {"jane", "joe"}, []),
        ({"groups": ("ps/ems",)}, {"erin", "evan"}, ["ps/ems"]),
        ({"groups": ("ps/ems", "ps/tas")}, {"erin", "evan", "tara"}, ["ps/ems", "ps/tas"]),
        ({"access_level": "maintainer"}, {"max", "olga"}, ["members"]),
        (
            {"users": ("JANE",), "groups": ("ps/tas",), "access_level": "owner"},
            {"jane", "tara", "olga"},
            ["ps/tas", "members"],
        ),
    ],
    ids=["nobody", "names", "a group", "groups", "a level", "all three"],
)
def test_a_role_is_held_by_names_groups_and_levels_and_only_what_is_needed_is_asked(
    directory: Directory, people: People, given: dict[str, object], holders: set[str], asked: list[str]
) -> None:
    assert directory.holders(role(**given)).names == holders
    assert people.asked == asked


@pytest.mark.parametrize(
    ("level", "count"),
    [("guest", 6), ("planner", 5), ("reporter", 4), ("developer", 3), ("maintainer", 2), ("owner", 1)],
)
def test_a_level_means_itself_and_everything_above(directory: Directory, level: str, count: int) -> None:
    assert len(directory.holders(role(access_level=level)).names) == count


def test_members_read_at_the_start_serve_roles_until_they_are_due(
    directory: Directory, people: People, clock: HandClock
) -> None:
    owners = role(access_level="owner")
    directory.warm()
    clock.now += REFRESH_S - 1
    directory.holders(owners)
    assert people.asked == ["members"]
    people.project = []
    clock.now += 1
    assert directory.holders(owners).names == frozenset()
    assert people.asked == ["members", "members"]


def test_members_read_for_a_role_are_known_by_name(directory: Directory, people: People) -> None:
    directory.holders(role(access_level="guest"))
    assert directory.find("OLGA") == Person(6, "Olga")
    assert people.asked == ["members"]


def test_a_group_is_read_again_after_five_minutes(directory: Directory, people: People, clock: HandClock) -> None:
    ems = role(groups=("ps/ems",))
    directory.holders(ems)
    people.groups["ps/ems"] = ["evan"]
    clock.now += GROUP_KNOWN_FOR_S - 1
    assert directory.holders(ems).names == {"erin", "evan"}
    clock.now += 1
    assert directory.holders(ems).names == {"evan"}
    assert people.asked == ["ps/ems", "ps/ems"]


@pytest.mark.parametrize("given", [{"groups": ("ps/ems",)}, {"access_level": "owner"}], ids=["group", "members"])
def test_what_was_never_known_is_the_callers_to_wait_for(
    directory: Directory, people: People, given: dict[str, object]
) -> None:
    people.fault = fault = Retry("busy", after_s=3.0)
    with pytest.raises(Retry) as raised:
        directory.holders(role(**given))
    assert raised.value is fault


def test_a_group_that_cannot_be_seen_takes_nothing_from_the_others(directory: Directory) -> None:
    held = directory.holders(role(users=("jane",), groups=("ps/typo", "ps/tas"), access_level="owner"))
    assert held == Held(frozenset({"jane", "tara", "olga"}), is_sure=False)
    assert directory.holders(role(users=("jane",), groups=("ps/tas",))).is_sure


def test_members_that_cannot_be_seen_take_nothing_from_the_others(directory: Directory, people: People) -> None:
    people.fault = Permanent("no right")
    assert directory.holders(role(users=("jane",), access_level="owner")) == Held(frozenset({"jane"}), is_sure=False)


def test_the_log_tells_of_a_group_that_cannot_be_seen_once_an_hour(directory: Directory, clock: HandClock) -> None:
    with capture_logs() as told:
        for _ in range(3):
            directory.holders(role(groups=("ps/typo",)))
        assert [each["group"] for each in told] == ["ps/typo"]
        clock.now += TOLD_AGAIN_S
        directory.holders(role(groups=("ps/typo",)))
        assert len(told) == 2


@pytest.mark.parametrize("fault", [Retry("busy"), Absent("gone")], ids=["retry", "absent"])
def test_a_group_known_before_counts_as_known_for_an_hour_while_gitlab_does_not_say(
    directory: Directory, people: People, clock: HandClock, fault: Exception
) -> None:
    ems = role(groups=("ps/ems",))
    directory.holders(ems)
    people.fault = fault
    clock.now += GROUP_TRUSTED_FOR_S - 1
    assert directory.holders(ems).names == {"erin", "evan"}
    clock.now += 1
    if isinstance(fault, Absent):
        assert directory.holders(ems) == Held(frozenset(), is_sure=False)
    else:
        with pytest.raises(Retry):
            directory.holders(ems)


def test_a_group_that_cannot_be_read_is_asked_for_once_a_minute_and_believed_at_once_when_it_can(
    directory: Directory, people: People, clock: HandClock
) -> None:
    ems = role(groups=("ps/ems",))
    directory.holders(ems)
    people.fault = Retry("busy")
    clock.now += GROUP_KNOWN_FOR_S
    for _ in range(3):
        directory.holders(ems)
    assert people.asked == ["ps/ems"] * 2
    people.fault, people.groups["ps/ems"] = None, ["evan"]
    clock.now += 60
    assert directory.holders(ems).names == {"evan"}


def test_members_that_are_due_and_cannot_be_read_are_not_guessed(
    directory: Directory, people: People, clock: HandClock
) -> None:
    directory.warm()
    people.fault = Retry("busy")
    clock.now += REFRESH_S
    with pytest.raises(Retry):
        directory.holders(role(access_level="owner"))


def test_a_name_that_is_not_a_member_is_asked_for_and_not_again_for_a_minute(
    directory: Directory, people: People, clock: HandClock
) -> None:
    assert directory.find("nobody") is None
    assert directory.find("Nobody") is None
    clock.now += 60
    assert directory.find("nobody") is None
    assert people.asked == ["@nobody", "@nobody"]


def test_the_bot_is_known_once_it_was_read(people: People, clock: HandClock) -> None:
    port: GitLab = people  # type: ignore[assignment]
    assert Directory(port, clock).known_bot_id is None
    warmed = Directory(port, clock)
    warmed.warm()
    assert (warmed.known_bot_id, warmed.bot()) == (99, Person(99, "ps-bot"))
