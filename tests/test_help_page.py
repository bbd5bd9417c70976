"""What the service and the command line make of the registration: the help page, and faults in `commands`."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli import main
from app.command_table import as_page
from app.methodology import load_methodology
from app.registry import registry
from tests.harness import stage

OWN = "extends: default\nroles: {em: {users: [jane]}}\n"


def test_the_page_lists_every_command_and_needs_no_login(tmp_path: Path) -> None:
    with stage(tmp_path) as on:
        answer = on.client.get(f"{on.url}/help")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    for name in registry.commands(load_methodology()):
        assert f"<code>/ps {name}" in answer.text, name
    assert "<script" not in answer.text
    assert "http" not in answer.text.replace("https://docs", "").replace("https://example", ""), "it needs only itself"


def test_it_says_who_by_the_methodology_in_force(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(OWN + "commands: {prefix: /plan, who: {won: [deal_desk], next: []}}\n")
    methodology = load_methodology(path)
    page = as_page(registry.commands(methodology), methodology)
    assert "<code>/plan won</code></h2><p>" in page
    assert "For: Deal Desk." in page.partition("/plan won")[2][:400]
    assert "For: everybody." in page.partition("/plan next</code></h2>")[2][:400]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (
            "commands: {who: {wonn: [em]}}",
            "own.yaml:3: commands.who.wonn: no command is called 'wonn'; did you mean",
        ),
        (
            "commands: {who: {won: [emm]}}",
            "own.yaml:3: commands.who.won.0: no role is called 'emm'; did you mean 'em'?",
        ),
        ("commands: {prefix: /close}", "own.yaml:3: commands.prefix: is a quick action of GitLab"),
        ("commands: {prefix: ps}", "own.yaml:3: commands.prefix: does not have the right form"),
        ("commands: {reactions: {seen: Eyes!}}", "own.yaml:3: commands.reactions.seen: does not have the right form"),
        ("intake_fields: {pc: {only: [nobody]}}", "own.yaml:3: intake_fields.pc.only.0: no role is called 'nobody'"),
        ("gates: {rdm: {sends_back: nowhere}}", "own.yaml:3: gates.rdm.sends_back: no state on the path is called"),
        ("documents: {sow: {bound_to: [sov]}}", "own.yaml:3: documents.sow.bound_to.0: is not known here; allowed: "),
        (
            "criteria: {price_agreed: {said: [yes_please]}}",
            "own.yaml:3: criteria.price_agreed.said.0: is not known here",
        ),
    ],
)
def test_what_is_wrong_with_commands_and_approvals_is_told(
    words: str, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(OWN + words + "\n")
    assert main(["methodology", "check", str(path)]) == 1
    assert fault in capsys.readouterr().err
