"""The service beside a GitLab and a Salesforce, both stand-ins, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app.background import BackgroundServer
from app.sandbox.salesforce import SalesforceWorld
from app.sandbox.salesforce_login import CLIENT_ID, CLIENT_SECRET, ConnectedApp
from app.sandbox.salesforce_routes import create_salesforce_app
from app.sandbox.world import World
from tests.harness import Stage, errand, stage, submission

HOOK_TOKEN = "salesforce-token-of-tests"
SERVICES = "Professional Services Only"


@dataclass
class SalesforceStage:
    """All three."""

    world: SalesforceWorld
    app: ConnectedApp
    bot: Stage
    folder: Path

    def opportunity(self, **values: Any) -> str:
        """A new one for services alone, unless something else is said; nobody is told."""
        return new_opportunity(self.world, **values)

    def tell(self, ident: str, **fields: Any) -> None:
        """As a Flow would, and everything that comes of it."""
        assert tell(self.bot.client, self.bot.url, ident, **fields)
        assert self.bot.quiet()

    def tell_of_case(self, ident: str) -> bool:
        """As a Flow on cases would, and everything that comes of it; whether it was accepted."""
        is_taken = tell_of_case(self.bot.client, self.bot.url, self.world, ident)
        assert self.bot.quiet()
        return is_taken

    def change(self, ident: str, **values: Any) -> None:
        """Somebody changes it, and Salesforce tells."""
        self.world.change(ident, **values)
        self.tell(ident)

    def sweep(self) -> dict[str, Any]:
        """A sweep, and everything that comes of it."""
        answer = errand(self.folder, "sweep")
        assert self.bot.quiet()
        return answer

    def begin(self, ident: str, **changes: Any) -> None:
        """The calculator sends a submission of it."""
        assert self.bot.submit(submission(sfdc_opportunity_url=ident, **changes))["state"] == "done"
        assert self.bot.quiet()


def new_world() -> SalesforceWorld:
    """An organisation with the record types of opportunities, and an Engagement Manager."""
    world = SalesforceWorld()
    for name in (SERVICES, "Standard"):
        world.add("RecordType", Name=name)
    world.add("User", Name="Erin", Email="erin@example.com", Username="erin@acme")
    return world


def new_opportunity(world: SalesforceWorld, *, account: str = "Globex AG", kind: str = SERVICES, **values: Any) -> str:
    """Of a customer, with an owner."""
    kinds = {each.values["Name"]: each.id for each in world.of_kind("RecordType")}
    given = {
        "Name": "Globex - Professional Services",
        "StageName": "2-Scoping",
        "CloseDate": "2099-03-31",
        "AccountId": world.add("Account", Name=account),
        "OwnerId": world.add("User", Name="Alice", Email="alice@example.com", Username="alice@acme"),
        "RecordTypeId": kinds[kind],
    }
    return world.add("Opportunity", **{**given, **values})


def tell(client: httpx.Client, url: str, ident: str, **fields: Any) -> bool:
    """As a Flow would; whether it was accepted."""
    address = f"{url}/webhooks/salesforce?token={HOOK_TOKEN}"
    return client.post(address, json={"opportunity": {"Id": ident, **fields}}).status_code == httpx.codes.ACCEPTED


def tell_of_case(client: httpx.Client, url: str, world: SalesforceWorld, ident: str) -> bool:
    """As a Flow on cases would; whether it was accepted."""
    fields = {name: world.value(ident, name) for name in ("PS_Plan_Id__c", "Status")}
    address = f"{url}/webhooks/salesforce?token={HOOK_TOKEN}"
    return client.post(address, json={"case": {"Id": ident, **fields}}).status_code == httpx.codes.ACCEPTED


@contextmanager
def salesforce_stage(
    folder: Path, gitlab: World | None = None, sales: SalesforceWorld | None = None, **more: Any
) -> Iterator[SalesforceStage]:
    """All three, the login by client credentials."""
    world, app = sales or new_world(), ConnectedApp()
    with BackgroundServer(create_salesforce_app(world, app)) as server:
        given = {
            "salesforce_url": server.url,
            "salesforce_client_id": CLIENT_ID,
            "salesforce_client_secret": CLIENT_SECRET,
            "salesforce_webhook_tokens": [HOOK_TOKEN],
        }
        with stage(folder, gitlab, **{**given, **more}) as running:
            yield SalesforceStage(world, app, running, folder)
