"""What the port to the mail server does, against one on loopback: a connection a letter, answers in our terms."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs

from app.adapters.breaker import FAILURES
from app.adapters.smtp import MOST_AT_ONCE, SmtpPost, as_mime
from app.errors import Held, Permanent, Retry, VendorDown
from app.letter import Letter
from app.metrics import Metrics
from app.ports import Post
from tests.ports import free_port
from tests.post_office import PostOffice

SENDER = "ps-plan@example.com"
LETTER = Letter(
    key="7f1c:meeting:pm_intro:1:0:abc",
    to="alice@example.com",
    subject="Invitation: Grüße & more",
    text="Hello\n\n.\nThe dot above ends nothing.\n",
    calendar="BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nX:ü\r\nEND:VCALENDAR\r\n",
    method="REQUEST",
    file_name="invite.ics",
    at=1_795_000_000.0,
)


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with PostOffice() as running:
        yield running


def post_to(url: str, *, timer: Callable[[], float] = lambda: 0.0, metrics: Metrics | None = None) -> SmtpPost:
    return SmtpPost(url=lambda: url, sender=SENDER, timer=timer, metrics=metrics or Metrics(), timeout_s=2.0)


def test_a_letter_arrives_as_text_invitation_and_file(office: PostOffice) -> None:
    post: Post = post_to(office.url)
    post.send(LETTER)
    ((to, message),) = office.letters
    assert to == LETTER.to
    text, calendar, file = [each for each in message.walk() if not each.is_multipart()]
    assert isinstance(text, EmailMessage)
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    assert (calendar.get_content_type(), calendar.get_param("method")) == ("text/calendar", "REQUEST")
    assert (calendar.get_payload(decode=True), file.get_payload(decode=True)) == (LETTER.calendar.encode(),) * 2
    assert file.get_filename() == "invite.ics"
    assert str(message["Subject"]) == LETTER.subject
    assert (str(message["From"]), str(message["To"])) == (f"PS Plan Bot <{SENDER}>", LETTER.to)


def test_a_letter_that_was_taken_without_a_good_bye_is_not_sent_again(office: PostOffice) -> None:
    office.is_rude = True
    post_to(office.url).send(LETTER)
    assert len(office.letters) == 1


def test_the_same_letter_is_the_same_to_the_byte() -> None:
    assert as_mime(LETTER, SENDER).as_bytes() == as_mime(LETTER, SENDER).as_bytes()


@pytest.mark.parametrize(
    ("answer", "fault", "words"),
    [
        ("450 4.2.1 busy", Retry, "the mail server refuses it: 450 4.2.1 busy"),
        ("550 5.1.1 <alice@example.com> unknown", Permanent, "the mail server refuses it: 550 5.1.1 … unknown"),
    ],
)
def test_a_recipient_that_is_refused_is_told_without_the_address(
    answer: str, fault: type[Exception], words: str, office: PostOffice
) -> None:
    office.answers[LETTER.to] = answer
    with pytest.raises(fault) as told:
        post_to(office.url).send(LETTER)
    assert told.value.reason == words  # type: ignore[attr-defined]
    assert not isinstance(told.value, VendorDown), "it is a sign of life"


@pytest.mark.parametrize(("answer", "fault"), [("451 later", Retry), ("554 spam", Permanent)])
def test_a_text_that_is_refused_is_final_or_for_now(answer: str, fault: type[Exception], office: PostOffice) -> None:
    office.on_data = answer
    with pytest.raises(fault):
        post_to(office.url).send(LETTER)


def test_after_five_failures_nobody_asks_until_one_has_tried(office: PostOffice) -> None:
    now, metrics = [0.0], Metrics()
    post = post_to(office.url, timer=lambda: now[0], metrics=metrics)
    office.close()
    for _ in range(FAILURES):
        with pytest.raises(VendorDown, match="does not answer"):
            post.send(LETTER)
    with pytest.raises(Held):
        post.send(LETTER)
    assert 'psplan_vendor_open{vendor="smtp"} 1.0' in metrics.exposition().decode()
    office.open()
    now[0] += 30.0
    post.send(LETTER)
    assert len(office.letters) == 1
    assert 'psplan_vendor_open{vendor="smtp"} 0.0' in metrics.exposition().decode()


def test_a_server_that_says_nothing_holds_up_two_workers_at_most() -> None:

    with socket.create_server(("127.0.0.1", 0)) as silent:
        post = post_to(f"smtp+plain://127.0.0.1:{silent.getsockname()[1]}")
        outcomes: list[Exception] = []

        def send() -> None:
            try:
                post.send(LETTER)
            except (VendorDown, Held) as fault:
                outcomes.append(fault)

        threads = [threading.Thread(target=send) for _ in range(MOST_AT_ONCE + 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=10)
    assert sorted(type(each).__name__ for each in outcomes) == ["Held"] * 3 + ["VendorDown"] * MOST_AT_ONCE


# -- TLS and login


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate for 127.0.0.1 that this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "mail.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


def takes(user: str, password: str) -> Callable[..., AuthResult]:
    def decide(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        is_it = (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=is_it, handled=is_it)

    return decide


def encrypted(certificate: Path, scheme: str) -> PostOffice:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    how = {"ssl_context": context} if scheme == "smtps" else {"tls_context": context, "require_starttls": True}
    return PostOffice(
        options={
            **how,
            "authenticator": takes("bot", "p@ss/word"),
            "auth_required": scheme == "smtp",
            "auth_require_tls": scheme == "smtp",
        }
    )


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_letter_goes_encrypted_by_whoever_logs_in(scheme: str, certificate: Path) -> None:
    with encrypted(certificate, scheme) as office:
        post_to(f"{scheme}://bot:p%40ss%2Fword@127.0.0.1:{office.port}").send(LETTER)
    assert [to for to, _ in office.letters] == [LETTER.to]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_login_that_is_not_taken_may_be_in_rotation_and_its_password_is_told_nobody(
    scheme: str, certificate: Path
) -> None:
    with encrypted(certificate, scheme) as office, capture_logs() as logged, pytest.raises(Retry) as told:
        post_to(f"{scheme}://bot:hunter2@127.0.0.1:{office.port}").send(LETTER)
    assert told.value.reason == "the mail server does not take the login (535)"
    assert "hunter2" not in f"{logged}{told.value}{told.value.__cause__}"


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_nobody_vouches_for_is_not_spoken_to(
    scheme: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with encrypted(certificate, scheme) as office, pytest.raises(VendorDown, match="no TLS with the mail server"):
        post_to(f"{scheme}://bot:p%40ss%2Fword@127.0.0.1:{office.port}").send(LETTER)


def test_a_server_that_offers_no_starttls_gets_neither_password_nor_letter(office: PostOffice) -> None:
    with pytest.raises(Retry, match="offers no STARTTLS"):
        post_to(f"smtp://bot:hunter2@127.0.0.1:{office.port}").send(LETTER)
    assert office.letters == []


def test_the_doctor_greets_and_sends_nothing(office: PostOffice) -> None:
    assert post_to(office.url).greet()
    assert office.asked == []
    with pytest.raises(VendorDown):
        post_to(f"smtp+plain://127.0.0.1:{free_port()}").greet()
