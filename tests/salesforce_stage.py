"""The service beside a GitLab and a Salesforce, both stand-ins, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.background import BackgroundServer
from app.sandbox.salesforce import SalesforceWorld
from app.sandbox.salesforce_login import CLIENT_ID, CLIENT_SECRET, ConnectedApp
from app.sandbox.salesforce_routes import create_salesforce_app
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
        account = self.world.add("Account", Name=values.pop("account", "Globex AG"))
        owner = self.world.add("User", Name="Alice", Email="alice@example.com", Username="alice@acme")
        given = {"Name": "Globex - Professional Services", "StageName": "2-Scoping", "CloseDate": "2099-03-31"}
        kinds = {each.values["Name"]: each.id for each in self.world.of_kind("RecordType")}
        kind = values.pop("kind", SERVICES)
        given |= {"AccountId": account, "OwnerId": owner, "RecordTypeId": kinds[kind]}
        return self.world.add("Opportunity", **{**given, **values})

    def tell(self, ident: str, **fields: Any) -> None:
        """As a Flow would, and everything that comes of it."""
        url = f"{self.bot.url}/webhooks/salesforce?token={HOOK_TOKEN}"
        assert self.bot.client.post(url, json={"opportunity": {"Id": ident, **fields}}).status_code == 202
        assert self.bot.quiet()

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


@contextmanager
def salesforce_stage(folder: Path, **more: Any) -> Iterator[SalesforceStage]:
    """All three, the login by client credentials."""
    world, app = SalesforceWorld(), ConnectedApp()
    world.add("RecordType", Name=SERVICES)
    world.add("RecordType", Name="Standard")
    with BackgroundServer(create_salesforce_app(world, app)) as server:
        given = {
            "salesforce_url": server.url,
            "salesforce_client_id": CLIENT_ID,
            "salesforce_client_secret": CLIENT_SECRET,
            "salesforce_webhook_tokens": [HOOK_TOKEN],
        }
        with stage(folder, **{**given, **more}) as running:
            yield SalesforceStage(world, app, running, folder)
