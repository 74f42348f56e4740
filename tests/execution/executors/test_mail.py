"""The built-in mailbox: addresses, the SMTP server and the steps that read it, with real SMTP and Redis."""

import asyncio
import smtplib
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from redis import Redis as PlainRedis
from redis.asyncio import Redis

from apps.core.mailboxes import Mailboxes, box_of_environment, box_of_execution
from apps.execution.engine.egress import EgressPolicy
from apps.execution.engine.model import CaseOutcome, State
from apps.execution.engine.settings import EngineSettings, MailboxSettings
from apps.execution.mail import server as mail_server
from apps.execution.mail import store as mail_store
from apps.execution.mail.reading import as_json
from apps.execution.mail.server import serve
from apps.execution.mail.store import MailStore
from tests.execution.engine.running import case_of, run

OURS = Mailboxes(key=b"k" * 32, domain="mailbox.integhub.test")
ENVIRONMENT = box_of_environment(7)


@pytest.fixture
def mailbox(redis_url: str) -> Iterator[int]:
    """Port of a running mailbox; its mail is removed afterwards."""
    ready = threading.Event()
    told: dict[str, Any] = {}

    async def main() -> None:
        store = MailStore(Redis.from_url(redis_url, protocol=2))
        server = await serve("127.0.0.1", 0, OURS, store)
        told.update(port=server.sockets[0].getsockname()[1], loop=asyncio.get_running_loop(), stop=asyncio.Event())
        ready.set()
        async with server:
            await told["stop"].wait()
        await store.aclose()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert ready.wait(10)
    yield told["port"]
    told["loop"].call_soon_threadsafe(told["stop"].set)
    thread.join(10)
    with PlainRedis.from_url(redis_url) as client:
        for key in client.scan_iter("integhub:mail:*"):
            client.delete(key)


@pytest.fixture
def settings_of(redis_url: str) -> EngineSettings:
    ours = MailboxSettings(redis_url=redis_url, key=OURS.key, domain=OURS.domain)
    return EngineSettings(mailbox=ours)


def deliver(port: int, to: str, subject: str = "Hello", text: str = "Your order", login: Any = None) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Shop <shop@example.test>", to, subject
    message.set_content(text)
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        if login:
            client.login(*login)
        client.send_message(message)


def receive(expect: Any = (), capture: Any = None, **given: Any) -> dict[str, Any]:
    more = {"capture": capture} if capture else {}
    params = {"receive": {"wait": 3, **given}}
    return {"name": "r", "kind": "mail", "with": params, "expect": list(expect), **more}


def send(port: int, **given: Any) -> dict[str, Any]:
    params = {"url": f"smtp://127.0.0.1:{port}", "from": "shop@example.test", **given}
    return {"name": "s", "kind": "mail", "with": {"send": params}}


def play(settings: EngineSettings, *steps: dict[str, Any], **more: Any) -> CaseOutcome:
    return run(case_of(*steps), settings=settings, mailbox=ENVIRONMENT, **more)


def test_mail_to_an_address_of_the_case_is_received(mailbox: int, settings_of: EngineSettings) -> None:
    address = "{{ mailbox('orders') }}"
    sent = send(mailbox, to=[address], subject="Order ñ", text="Pay at https://shop.test/pay/7 soon", html="<b>Pay</b>")
    outcome = play(
        settings_of,
        send(mailbox, to=["{{ mailbox() }}"], subject="Another"),
        sent,
        receive(
            to=address,
            subject="order",
            expect=[
                {"check": "messages", "count": 1},
                {"check": "subject", "equals": "Order ñ"},
                {"check": "html", "contains": "<b>"},
                {"check": "xml", "at": "//b", "equals": "Pay"},
                {"check": "messages", "at": "$[0].from", "equals": "shop@example.test"},
                {"check": "header", "at": "traceparent", "matches": "^00-"},
                {"check": "messages", "at": "$[0].attachments", "equals": []},
            ],
            capture={"link": {"from": "text", "at": r"https://\S+"}},
        ),
    )
    assert outcome.state is State.PASSED, outcome.message
    assert outcome.captured["link"] == "https://shop.test/pay/7"
    assert outcome.steps[2].response["others"][0]["subject"] == "Another"


def test_component_that_signed_in_may_write_to_anybody_and_old_mail_does_not_count(
    mailbox: int, settings_of: EngineSettings
) -> None:
    login = OURS.login(ENVIRONMENT)
    deliver(mailbox, "ana@example.test", "from yesterday", login=login)
    url = f"smtp://{login[0]}:{login[1]}@127.0.0.1:{mailbox}"
    one = [{"check": "subject", "equals": "new"}, {"check": "count", "equals": 1}]
    outcome = play(
        settings_of,
        send(mailbox, url=url, to=["ana@example.test"], subject="new"),
        receive(to="Ana@example.test", expect=one, settle=0.2),
    )
    assert outcome.state is State.PASSED, outcome.message
    assert login[1] not in str(outcome.steps[0].as_dict())
    elsewhere = run(
        case_of(receive(to="ana@example.test", count=0, wait=0.2, expect=[{"check": "count", "equals": 0}])),
        settings=settings_of,
        mailbox=box_of_environment(8),
    )
    assert elsewhere.state is State.PASSED, elsewhere.message


def test_nobody_writes_to_addresses_that_were_not_made(mailbox: int) -> None:
    good = OURS.address(box_of_execution("11"), "orders")
    forged = good.replace(good.split(".")[2][:16], "a" * 16)
    for address in ("ana@example.test", forged, f"orders@{OURS.domain}"):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            deliver(mailbox, address)
    deliver(mailbox, good.replace("@", "+tag@").upper())
    with pytest.raises(smtplib.SMTPAuthenticationError):
        deliver(mailbox, "ana@example.test", login=(ENVIRONMENT, "wrong"))
    with pytest.raises(smtplib.SMTPAuthenticationError):
        deliver(mailbox, "ana@example.test", login=(ENVIRONMENT, OURS.login("e8")[1]))


def test_addresses_are_of_the_execution_or_of_the_environment() -> None:
    one, other = (OURS.address(box_of_execution(name)) for name in ("11", "12"))
    assert one != other
    assert OURS.box_of(one) == box_of_execution("11")
    assert OURS.box_of(one.upper()) == box_of_execution("11")
    assert OURS.box_of(OURS.address(ENVIRONMENT, "admin")) == ENVIRONMENT
    assert Mailboxes(key=b"other", domain=OURS.domain).box_of(one) == ""
    with pytest.raises(ValueError, match="cannot be the name"):
        OURS.address(ENVIRONMENT, "Ana@home")


def test_missing_mail_is_a_failure_and_a_missing_mailbox_blocks(mailbox: int, settings_of: EngineSettings) -> None:
    nothing = play(settings_of, receive(to="{{ mailbox() }}", wait=0.2))
    assert nothing.state is State.FAILED
    assert "no mail came for x" in nothing.message
    none = run(case_of(receive(to="{{ mailbox() }}")))
    assert none.state is State.BLOCKED
    assert "no mailbox runs here" in none.message
    strange = run(case_of(receive(to="{{ mailbox('A B') }}")), settings=settings_of)
    assert "cannot be the name of a mailbox" in strange.message


def test_refusals_of_the_mail_server_are_failures(mailbox: int, settings_of: EngineSettings) -> None:
    refused = play(settings_of, send(mailbox, to=["ana@example.test"]))
    assert refused.state is State.FAILED
    assert "ana@example.test: 550" in refused.message
    gone = play(settings_of, send(1, to=["ana@example.test"]))
    assert gone.state is State.FAILED
    assert "no connection to smtp://127.0.0.1:1" in gone.message
    tls = play(settings_of, send(mailbox, to=["{{ mailbox() }}"], starttls=True))
    assert tls.state is State.FAILED
    denied = play(EngineSettings(egress=EgressPolicy.of(deny=["127.0.0.1"])), send(mailbox, to=["a@example.test"]))
    assert denied.state is State.BLOCKED
    injected = play(settings_of, send(mailbox, to=["a@example.test"], subject="a\r\nBcc: b@example.test"))
    assert injected.state is State.BLOCKED


def test_boxes_are_bounded(mailbox: int, monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
    address, own = OURS.address(ENVIRONMENT), box_of_execution("bounded")
    monkeypatch.setattr(mail_store, "PER_BOX", 3)
    monkeypatch.setattr(mail_store, "PER_ENVIRONMENT", 4)  # many executions wait for what arrives there
    for number in range(5):
        deliver(mailbox, address, f"mail {number}")
        deliver(mailbox, OURS.address(own), f"mail {number}")
    with PlainRedis.from_url(redis_url) as client:
        assert client.xlen(f"integhub:mail:box:{own}") == 3
        assert client.xlen(f"integhub:mail:box:{ENVIRONMENT}") == 4
        assert 0 < client.ttl(f"integhub:mail:box:{ENVIRONMENT}") <= mail_store.KEPT
    monkeypatch.setattr(mail_store, "TOTAL", 10)
    with pytest.raises(smtplib.SMTPDataError, match="full"):
        deliver(mailbox, address)
    with smtplib.SMTP("127.0.0.1", mailbox, timeout=10) as client:
        assert int(client.ehlo()[1].decode().split("SIZE ")[1].split()[0]) == mail_server.MAX_SIZE
        with pytest.raises(smtplib.SMTPSenderRefused):
            client.sendmail("a@example.test", [address], "x" * (mail_server.MAX_SIZE + 1))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00 no mail at all",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
        b"Content-Type: text/plain; charset=none-such\r\n\r\nhello",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
        b"Subject: =?utf-8?b?////?=\r\nFrom: <<>>,,@\r\nContent-Type: ;;;=\r\n\r\nhello",
        b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(2_000)),
    ],
)
def test_broken_mail_is_kept_as_far_as_it_can_be_read(raw: bytes) -> None:
    told = as_json(raw, "a@example.test", ["b@example.test"])
    assert told["to"] == ["b@example.test"]
    assert told["size"] == len(raw)
    assert set(told) >= {"from", "subject", "text", "html", "headers", "attachments"}


def test_parts_of_a_mail_are_told_apart() -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "Shop <shop@example.test>", "Two lines"
    message.set_content("text " * 40_000)
    message.add_alternative("<p>html</p>", subtype="html")
    message.add_attachment(b"%PDF-1", maintype="application", subtype="pdf", filename="bill.pdf")
    told = as_json(bytes(message), "bounce@example.test", ["b@example.test"])
    assert told["from"] == "shop@example.test"
    assert told["subject"] == "Two lines"
    assert told["text"].startswith("text text")
    assert len(told["text"]) == 100_001
    assert told["html"] == "<p>html</p>\n"
    assert told["attachments"] == [{"name": "bill.pdf", "type": "application/pdf", "size": 6}]
