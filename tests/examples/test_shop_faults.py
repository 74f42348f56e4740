"""Faults can be switched on for one operation, do what they say, and are gone when switched off."""

import time
import uuid
from collections.abc import Callable
from http.client import RemoteDisconnected
from typing import Any

import pytest
import redis
from google.protobuf.message import Message

from examples.shop.protocol import inventory_pb2 as messages
from tests.examples.http_calls import Answer, call, eventually
from tests.examples.shop_processes import RunningShop

NewSku = Callable[..., str]
AskInventory = Callable[[Message], Any]


def place(shop: RunningShop, sku: str, email: str) -> Answer:
    """Place an order at storefront."""
    basket = {"sku": sku, "quantity": 1, "email": email, "card": "tok_visa"}
    return call("POST", f"{shop.storefront}/checkout", basket)


def mails(shop: RunningShop, email: str) -> list[dict[str, Any]]:
    """The mails that *email* has now."""
    found: list[dict[str, Any]] = call("GET", f"{shop.notifier}/mailbox?to={email}").body["mails"]
    return found


@pytest.fixture
def email() -> str:
    return f"{uuid.uuid4().hex}@example.test"


def test_an_error_lasts_until_it_is_switched_off(shop: RunningShop, new_sku: NewSku, email: str) -> None:
    sku = new_sku()
    shop.switch("orders", create_order="error")
    broken = place(shop, sku, email)
    shop.switch("orders", create_order="none")
    whole = place(shop, sku, email)

    assert (broken.status, broken.body["error"]["code"]) == (500, "internal_error")
    assert whole.status == 201


def test_a_fault_of_one_operation_leaves_the_others_alone(shop: RunningShop, new_sku: NewSku, email: str) -> None:
    shop.switch("orders", cancel_order="error")

    assert place(shop, new_sku(), email).status == 201


def test_a_delay_delays(shop: RunningShop, new_sku: NewSku) -> None:
    sku = new_sku()
    shop.switch("inventory", get_stock="delay:0.7")
    started = time.perf_counter()

    assert call("GET", f"{shop.storefront}/products/{sku}").status == 200
    assert time.perf_counter() - started >= 0.7


def test_a_lost_answer_cuts_the_connection(shop: RunningShop, new_sku: NewSku) -> None:
    shop.switch("storefront", product="lost")

    with pytest.raises((RemoteDisconnected, ConnectionError)):
        call("GET", f"{shop.storefront}/products/{new_sku()}")


def test_a_lost_answer_of_payments_is_a_payment_service_out_of_reach(
    shop: RunningShop, new_sku: NewSku, email: str
) -> None:
    shop.switch("payments", create_charge="lost")

    answer = place(shop, new_sku(), email)

    assert (answer.status, answer.body["error"]["code"]) == (502, "payments_unreachable")


def test_a_malformed_answer_is_no_json(shop: RunningShop, new_sku: NewSku) -> None:
    sku = new_sku()
    shop.switch("storefront", product="malformed")
    answer = call("GET", f"{shop.storefront}/products/{sku}")
    shop.switch("storefront", product="none")
    shop.switch("orders", product="malformed")
    behind = call("GET", f"{shop.storefront}/products/{sku}")

    assert isinstance(answer.body, bytes)
    assert behind.body["error"]["code"] == "orders_unreadable"


@pytest.mark.parametrize(
    ("fault", "code"),
    [("error", "inventory_unreachable"), ("lost", "inventory_unreachable"), ("malformed", "inventory_unreadable")],
)
def test_a_broken_inventory_is_a_bad_gateway(shop: RunningShop, new_sku: NewSku, fault: str, code: str) -> None:
    sku = new_sku()
    shop.switch("inventory", get_stock=fault)

    answer = call("GET", f"{shop.storefront}/products/{sku}")

    assert (answer.status, answer.body["error"]["code"]) == (502, code)


def test_a_lost_event_means_no_mail(shop: RunningShop, new_sku: NewSku, email: str) -> None:
    shop.switch("orders", publish_event="lost")
    order = place(shop, new_sku(), email).body

    url = f"{shop.orders}/orders/{order['id']}"
    assert eventually(lambda: call("GET", url).body["status"], lambda status: status == "paid") == "paid"
    time.sleep(0.7)
    assert mails(shop, email) == []


def test_a_malformed_event_becomes_a_dead_letter_and_the_next_mail_still_comes(
    shop: RunningShop, new_sku: NewSku, email: str
) -> None:
    sku = new_sku()
    shop.switch("orders", publish_event="malformed")
    order_id = place(shop, sku, email).body["id"]
    with redis.Redis.from_url(shop.environ["SHOP_REDIS_URL"], decode_responses=True) as streams:

        def dead() -> list[Any]:
            entries: Any = streams.xrange("orders.events.dead")
            return [fields for _, fields in entries if fields.get("order_id") == order_id[:8]]

        assert "without email" in eventually(dead, bool)[0]["reason"]
    shop.switch("orders", publish_event="none")
    place(shop, sku, email)
    assert len(eventually(lambda: mails(shop, email), bool)) == 1


def test_a_mail_that_could_not_be_sent_is_sent_once_when_the_fault_is_gone(
    shop: RunningShop, new_sku: NewSku, email: str
) -> None:
    shop.switch("notifier", send_mail="error")
    place(shop, new_sku(), email)
    time.sleep(0.7)
    assert mails(shop, email) == []

    shop.switch("notifier", send_mail="none")

    assert len(eventually(lambda: mails(shop, email), bool)) == 1
    time.sleep(2.5)  # longer than the time after which an open event is taken up again
    assert len(mails(shop, email)) == 1


def test_a_lost_webhook_leaves_the_order_authorised(shop: RunningShop, new_sku: NewSku, email: str) -> None:
    shop.switch("payments", send_webhook="lost")
    order = place(shop, new_sku(), email).body
    time.sleep(0.5)

    assert call("GET", f"{shop.orders}/orders/{order['id']}").body["status"] == "authorised"


def test_a_fault_that_does_not_exist_is_refused(shop: RunningShop) -> None:
    assert shop.switch("orders", create_order="explode").status == 422
    assert shop.switch("orders", fly="error").status == 422
    assert call("PUT", f"{shop.storefront}/control/bakery", {}).status == 404


def test_the_version_call_of_inventory_can_fail_too(shop: RunningShop, ask_inventory: AskInventory) -> None:
    shop.switch("inventory", get_version="delay:0.3")
    started = time.perf_counter()
    ask_inventory(messages.VersionRequest())
    assert time.perf_counter() - started >= 0.3
