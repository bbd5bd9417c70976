"""How fast the pages are with 5,000 engagements and 200,000 lines of journal: `python -m benchmarks.pages`.

First byte and whole page over loopback from the real service, and the statements that each page runs.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import httpx
from sqlalchemy import Engine, event

from app.background import BackgroundServer
from app.main import create_app
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from app.store.database import migrate, open_for_writing
from benchmarks.rounds import counted
from tests.harness import settings_for
from tests.seeds import seed

PAGES = (
    ("pipeline", "/"),
    ("pipeline, filtered", "/?words=bank&segment=SMB"),
    ("one state", "/?state=open"),
    ("engagement", "/engagements/{ident}"),
    ("reports", "/reports"),
    ("reports of a segment", "/reports?segment=SMB"),
    ("deliveries", "/deliveries"),
    ("deliveries, searched", "/deliveries?words=globex"),
)


def main() -> None:
    """Seed, serve, measure, print."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--engagements", type=int, default=5_000)
    words.add_argument("--entries", type=int, default=200_000)
    words.add_argument("--rounds", type=int, default=15)
    given = words.parse_args()
    with tempfile.TemporaryDirectory() as name, SandboxServer(World()) as sandbox:
        folder = Path(name)
        settings = settings_for(folder, sandbox.url)
        engine = open_for_writing(settings.database_path)
        migrate(engine, settings.database_path)
        with engine.begin() as connection:
            seed(connection, given.engagements, now=time.time(), entries=given.entries)
            ident = connection.exec_driver_sql("SELECT engagement_id FROM pipeline LIMIT 1").scalar_one()
        engine.dispose()
        statements: list[str] = []
        _count(statements)
        print(
            f"| page, with {given.engagements:,} engagements and {given.entries:,} lines of journal | first byte, ms, "
            "median | first byte, ms, 90th percentile | size, kB | statements |\n| --- | --- | --- | --- | --- |"
        )
        with BackgroundServer(create_app(settings, is_open_house=True)) as service, httpx.Client(timeout=30) as client:
            for title, path in PAGES:
                print(_measure(client, service.url + path.format(ident=ident), title, given.rounds, statements))


def _count(statements: list[str]) -> None:
    @event.listens_for(Engine, "before_cursor_execute")
    def _(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)


def _measure(client: httpx.Client, url: str, title: str, rounds: int, statements: list[str]) -> str:
    client.get(url).raise_for_status()
    firsts, size, asked = [], 0, 0
    for _ in counted(rounds, "pages"):
        statements.clear()
        began = time.perf_counter()
        with client.stream("GET", url) as answer:
            answer.raise_for_status()
            chunks = answer.iter_raw()
            size = len(next(chunks))
            firsts.append((time.perf_counter() - began) * 1000)
            size += sum(map(len, chunks))
        asked = sum(each.lstrip().startswith("SELECT") for each in statements)
    ninetieth = statistics.quantiles(firsts, n=10)[-1]
    return f"| {title} | {statistics.median(firsts):.0f} | {ninetieth:.0f} | {size / 1000:.0f} | {asked} |"


if __name__ == "__main__":
    main()
