"""`psplan …`: parses words and calls one function each.

Exit codes: 0 done; 1 it failed, with one clear line; 2 wrong words.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from app import __version__
from app.cli_deliveries import list_deliveries, show_delivery
from app.failure import Failure
from app.settings import SettingsFault


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = parser().parse_args(words)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except (Failure, SettingsFault) as fault:
        _complain(str(fault))
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader (`head`) has seen enough
        sys.stderr.close()
        return 0


def _complain(text: str) -> None:
    sys.stderr.write(f"psplan: {text}\n")


def parser() -> argparse.ArgumentParser:
    """The words that `psplan` understands."""
    top = argparse.ArgumentParser(prog="psplan", description="PS Plan Bot")
    top.add_argument("--version", action="version", version=f"psplan {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="receive webhooks and work on them")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=_port, default=8080)
    serve.set_defaults(run=_serve)

    demo = commands.add_parser("demo", help="the service, a sandbox GitLab and a sample submission on this machine")
    demo.add_argument("--exit", action="store_true", help="stop after the story, and fail if it did not come true")
    demo.add_argument("--port", type=_port, default=0, help="of the service (default: a free one)")
    demo.add_argument("--gitlab-port", type=_port, default=8929, help="of the sandbox GitLab (taken: a free one)")
    demo.set_defaults(run=_demo)

    _add_project(commands)

    submit = commands.add_parser("submit", help="send a submission to a running service, the way the calculator does")
    submit.add_argument("file", metavar="FILE", help="JSON; - for standard input")
    submit.add_argument("--url", help="of the service (default: PSPLAN_PUBLIC_URL, else http://127.0.0.1:8080)")
    submit.add_argument("--wait", action="store_true", help="until the issues are there")
    submit.add_argument("--json", action="store_true")
    submit.set_defaults(run=_submit)

    _add_methodology(commands)
    _add_catalogue(commands)
    _add_deliveries(commands)
    return top


def _add_project(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    ready = commands.add_parser("setup", help="make the project ready: labels, boards, webhook, issue templates")
    ready.add_argument("--dry-run", action="store_true", help="print the difference, and change nothing")
    ready.add_argument(
        "--migrate-labels", action="store_true", help="retired and wrong spellings become the right label"
    )
    ready.add_argument("--overwrite-templates", action="store_true", help="also those that a person changed")
    ready.add_argument("--renew-secret", action="store_true", help="give the webhook its secret anew")
    ready.add_argument("--all-labels", action="store_true", help="also the optional ones of the methodology")
    ready.add_argument("--json", action="store_true")
    ready.set_defaults(run=_setup)

    doctor = commands.add_parser("doctor", help="check everything: one line each, with what mends it")
    doctor.add_argument("--fix", action="store_true", help="mend what is safe to mend, as setup would")
    doctor.add_argument("--json", action="store_true")
    doctor.set_defaults(run=_doctor)


def _add_methodology(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    group = commands.add_parser("methodology", help="the file that holds the process")
    actions = group.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser("check", help="validate a file: every fault with its line")
    check.add_argument("file", metavar="FILE", nargs="?", type=Path, help="default: the one in force")
    check.set_defaults(run=_check_methodology)
    show = actions.add_parser("show", help="print the one in force")
    show.add_argument("--diagram", action="store_true", help="its tracks as Mermaid state diagrams")
    show.set_defaults(run=_show_methodology)


def _add_catalogue(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    group = commands.add_parser("catalogue", help="the file that estimates are made of")
    actions = group.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser("check", help="validate a file: every fault with its line")
    check.add_argument("file", metavar="FILE", nargs="?", type=Path, help="default: the one in force")
    check.set_defaults(run=_check_catalogue)


def _add_deliveries(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    looking = commands.add_parser("sweep", help="look at GitLab for what no webhook told, and bring it up to date")
    looking.add_argument("--rebuild", action="store_true", help="bring back from GitLab what a lost database held")
    looking.add_argument("--json", action="store_true")
    looking.set_defaults(run=_sweep)

    group = commands.add_parser("deliveries", help="what came in, and what became of it")
    actions = group.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="one row per delivery, newest first")
    listing.add_argument("--state", choices=["waiting", "done", "ignored", "dead"])
    listing.add_argument("--limit", type=int, default=100)
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=list_deliveries)
    again = actions.add_parser("replay", help="work on a delivery once more, dead letters above all")
    again.add_argument("id", metavar="ID", type=int)
    again.add_argument("--dry-run", action="store_true", help="print what would be done now, and do nothing")
    again.add_argument("--json", action="store_true")
    again.set_defaults(run=_replay)
    show = actions.add_parser("show", help="one delivery with its decision and what was done")
    show.add_argument("id", metavar="ID", help="its number, or the correlation id of a line of the log")
    show.add_argument("--json", action="store_true")
    show.set_defaults(run=show_delivery)


def _port(word: str) -> int:
    port = int(word)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port


# imported late, each by its own command: `psplan deliveries list` need not load a web framework


def _serve(arguments: argparse.Namespace) -> int:
    from app.cli_serve import serve

    return serve(arguments.host, arguments.port)


def _demo(arguments: argparse.Namespace) -> int:
    from app.demo import demo

    return demo(port=arguments.port, gitlab_port=arguments.gitlab_port, stop_after_story=arguments.exit)


def _setup(arguments: argparse.Namespace) -> int:
    from app.cli_setup import setup

    return setup(arguments)


def _doctor(arguments: argparse.Namespace) -> int:
    from app.cli_doctor import doctor

    return doctor(arguments)


def _submit(arguments: argparse.Namespace) -> int:
    from app.submit import submit_file

    return submit_file(arguments.file, url=arguments.url, wait=arguments.wait, as_json=arguments.json)


def _sweep(arguments: argparse.Namespace) -> int:
    from app.cli_operator import sweep

    return sweep(arguments)


def _replay(arguments: argparse.Namespace) -> int:
    from app.cli_operator import replay

    return replay(arguments)


def _check_methodology(arguments: argparse.Namespace) -> int:
    from app.cli_methodology import check

    return check(arguments.file)


def _check_catalogue(arguments: argparse.Namespace) -> int:
    from app.cli_catalogue import check

    return check(arguments.file)


def _show_methodology(arguments: argparse.Namespace) -> int:
    from app.cli_methodology import show

    return show(diagram=arguments.diagram)


if __name__ == "__main__":
    sys.exit(main())
