"""What Salesforce sends is judged, read and stored before it is answered; what is not an opportunity's is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook

from tests.harness import Stage, stage

TOKEN = "salesforce-token-of-tests"
ORGANIZATION = "00D5g000004abcdEAA"
OPPORTUNITY = "006Aa00000AbCdEIAV"
URL = "/webhooks/salesforce"
XML = "text/xml; charset=utf-8"


def notification(ident: str = "04l5g00000AaBbCAAV", kind: str = "Opportunity", **fields: str) -> str:
    held = "".join(f"<sf:{name}>{value}</sf:{name}>" for name, value in {"Id": OPPORTUNITY, **fields}.items())
    return f'<Notification><Id>{ident}</Id><sObject xsi:type="sf:{kind}">{held}</sObject></Notification>'


def message(*notifications: str, organization: str = ORGANIZATION) -> str:
    """An Outbound Message as its WSDL has it."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound" '
        'xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f'<OrganizationId>{organization}</OrganizationId><ActionId>04k5g0000AAAA</ActionId><SessionId xsi:nil="true"/>'
        "<EnterpriseUrl>https://example.my.salesforce.com/services/Soap/c/62.0</EnterpriseUrl>"
        "<PartnerUrl>https://example.my.salesforce.com/services/Soap/u/62.0</PartnerUrl>"
        f"{''.join(notifications)}</notifications></soapenv:Body></soapenv:Envelope>"
    )


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><x>&c;</x>'
)
FOREIGN_ENTITY = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]><x>&f;</x>'


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("door")
    given = {"salesforce_webhook_tokens": [TOKEN], "salesforce_organization_id": ORGANIZATION}
    with stage(folder, **given) as running:
        yield running


def post(on: Stage, body: str | bytes, media: str = XML, *, token: str = TOKEN, **headers: str) -> httpx.Response:
    return on.client.post(f"{on.url}{URL}?token={token}", content=body, headers={"Content-Type": media, **headers})


def stored(on: Stage) -> int:
    assert on.service is not None
    return on.service.store.read(
        lambda c: c.execute(text("SELECT count(*) FROM deliveries WHERE source = 'salesforce'")).scalar_one()
    )


def test_an_outbound_message_is_stored_and_answered_with_its_ack(on: Stage) -> None:
    before = stored(on)
    answer = post(on, message(notification("04l5g00000AaBb1AAV", StageName="4-Proposal")))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/xml")
    assert "<Ack>true</Ack>" in answer.text
    assert stored(on) == before + 1


def test_a_message_that_comes_again_is_acknowledged_and_not_stored_again(on: Stage) -> None:
    body = message(notification("04l5g00000AaBb2AAV"), notification("04l5g00000AaBb3AAV"))
    assert post(on, body).status_code == 200
    before = stored(on)
    assert "<Ack>true</Ack>" in post(on, body).text
    assert stored(on) == before


def test_a_hundred_notifications_are_a_hundred_deliveries(on: Stage) -> None:
    before = stored(on)
    assert post(on, message(*(notification(f"04l5g00000Hund{n:04}") for n in range(100)))).status_code == 200
    assert stored(on) == before + 100


@pytest.mark.parametrize(
    "headers", [{"Authorization": f"Bearer {TOKEN}"}, {"authorization": f"bearer {TOKEN}"}], ids=["bearer", "any case"]
)
def test_the_token_may_be_a_bearer(headers: dict[str, str], on: Stage) -> None:
    body = message(notification("04l5g00000AaBb4AAV"))
    answer = on.client.post(f"{on.url}{URL}", content=body, headers={"Content-Type": XML, **headers})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "row",
    [
        {"opportunity_id": OPPORTUNITY, "StageName": "4-Proposal"},
        {"Id": OPPORTUNITY, "StageName": "4-Proposal"},
        {"recordId": OPPORTUNITY[:15]},
        {
            "opportunity": {
                "Id": OPPORTUNITY,
                "StageName": "4-Proposal",
                "Amount": 62000.5,
                "IsWon": False,
                "Next": None,
            }
        },
        {"opportunity": OPPORTUNITY, "organization_id": ORGANIZATION},
        [{"Id": OPPORTUNITY}, {"Id": "006Aa00000AbCdFIAV"}],
    ],
    ids=["by id", "the record", "a record's id of 15", "with the record inside", "by name", "several"],
)
def test_a_callout_of_a_flow_is_accepted(row: Any, on: Stage) -> None:
    before = stored(on)
    answer = on.client.post(f"{on.url}{URL}?token={TOKEN}", json=row)
    count = len(row) if isinstance(row, list) else 1
    assert (answer.status_code, answer.json()) == (202, {"accepted": count})
    assert stored(on) == before + count


def test_a_callout_with_a_key_is_stored_once(on: Stage) -> None:
    before = stored(on)
    for _ in range(2):
        answer = on.client.post(
            f"{on.url}{URL}?token={TOKEN}", json={"Id": OPPORTUNITY}, headers={"Idempotency-Key": "interview-1"}
        )
        assert answer.status_code == 202
    assert stored(on) == before + 1


REFUSED: Mapping[str, tuple[str | bytes, str, str, int]] = {
    "another token": (message(notification()), XML, "wrong", 401),
    "no token": (message(notification()), XML, "", 401),
    "another organisation": (message(notification(), organization="00D5g000009zzzzEAA"), XML, TOKEN, 401),
    "another organisation in a callout": (
        '{"Id": "006Aa00000AbCdEIAV", "organization_id": "00D5g000009zzzzEAA"}',
        "application/json",
        TOKEN,
        401,
    ),
    "an XML bomb": (BOMB, XML, TOKEN, 400),
    "a foreign entity": (FOREIGN_ENTITY, XML, TOKEN, 400),
    "no XML": ("<a><b></a>", XML, TOKEN, 400),
    "XML of another kind": ("<a/>", XML, TOKEN, 400),
    "bytes": (b"\xff\xfe\x00", XML, TOKEN, 400),
    "an unknown encoding": ('<?xml version="1.0" encoding="nothing"?><a/>', XML, TOKEN, 400),
    "no notification": (message(), XML, TOKEN, 400),
    "more than Salesforce sends": (message(*(notification(f"n{n}") for n in range(101))), XML, TOKEN, 400),
    "another object": (message(notification(kind="Account", Id="001Aa00000AbCdEIAV")), XML, TOKEN, 422),
    "no JSON": ("{", "application/json", TOKEN, 400),
    "a callout without id": ("{}", "application/json", TOKEN, 422),
    "a callout that is a list of words": ('["x"]', "application/json", TOKEN, 422),
    "an empty list": ("[]", "application/json", TOKEN, 422),
    "another type": ("a=b", "application/x-www-form-urlencoded", TOKEN, 415),
    "too large": (b"x" * (1024 * 1024 + 1), XML, TOKEN, 413),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_reaches_no_inbox(name: str, on: Stage) -> None:
    body, media, token, status = REFUSED[name]
    before = stored(on)
    answer = post(on, body, media, token=token)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert stored(on) == before


def test_faults_of_a_callout_are_named(on: Stage) -> None:
    answer = on.client.post(f"{on.url}{URL}?token={TOKEN}", json=[{"Id": OPPORTUNITY}, {"Id": "001Aa00000AbCdEIAV"}])
    assert answer.json()["errors"][0]["field"] == "1.opportunity_id"


def test_without_tokens_the_door_is_closed(tmp_path: Path) -> None:
    with stage(tmp_path) as closed:
        assert post(closed, message(notification())).status_code == 404


KEY = "whsec_" + "c2FsZXNmb3JjZS1zaWduaW5nLWtleS10ZXN0cw=="


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("signed")
    with stage(folder, salesforce_webhook_tokens=[TOKEN], salesforce_signing_keys=[KEY]) as running:
        yield running


def signed(body: str, *, key: str = KEY, ago: timedelta = timedelta()) -> dict[str, str]:
    at = datetime.now(UTC) - ago
    return {
        "Content-Type": "application/json",
        "webhook-id": "msg-1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(key).sign("msg-1", at, body),
    }


@pytest.mark.parametrize(
    ("key", "ago", "token", "sent", "status"),
    [
        (KEY, timedelta(), "", "as it was signed", 202),
        (KEY, timedelta(), "", "as somebody changed it", 401),
        (KEY, timedelta(minutes=10), "", "as it was signed", 401),
        ("whsec_" + "b3RoZXI" * 4 + "b3Ro", timedelta(), "", "as it was signed", 401),
        ("whsec_" + "b3RoZXI" * 4 + "b3Ro", timedelta(), TOKEN, "as it was signed", 401),
    ],
    ids=["a good one", "another body", "an old one", "another key", "another key beside a token"],
)
def test_a_callout_may_be_signed_and_a_signature_that_is_there_must_be_right(
    key: str, ago: timedelta, token: str, sent: str, status: int, signing: Stage
) -> None:
    body = json.dumps({"opportunity": {"Id": OPPORTUNITY, "StageName": "4-Proposal"}})
    headers = signed(body, key=key, ago=ago)
    content = body if sent == "as it was signed" else body.replace("4-Proposal", "Closed Won")
    answer = signing.client.post(f"{signing.url}{URL}?token={token}", content=content, headers=headers)
    assert answer.status_code == status


def test_with_keys_alone_the_door_is_open_and_a_token_opens_nothing(tmp_path: Path) -> None:
    with stage(tmp_path, salesforce_signing_keys=[KEY]) as on:
        body = json.dumps({"opportunity": {"Id": OPPORTUNITY}})
        assert on.client.post(f"{on.url}{URL}", content=body, headers=signed(body)).status_code == 202
        assert post(on, body, "application/json").status_code == 401
