"""An order through the whole shop, and what the shop refuses."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from typing import Any

import grpc
import psycopg2
import pytest
from google.protobuf.message import Message

from examples.shop.protocol import inventory_pb2 as messages
from tests.examples.http_calls import Answer, call, eventually
from tests.examples.shop_processes import RunningShop

NewSku = Callable[..., str]
AskInventory = Callable[[Message], Any]


def basket(sku: str, **fields: object) -> dict[str, object]:
    """A basket that the shop accepts."""
    email = f"{uuid.uuid4().hex}@example.test"
    return {"sku": sku, "quantity": 2, "email": email, "card": "tok_visa", **fields}


def mails_to(shop: RunningShop, email: object, count: int) -> list[dict[str, Any]]:
    """The mails to *email*, once there are *count* of them."""
    answer = eventually(
        lambda: call("GET", f"{shop.notifier}/mailbox?to={email}"), lambda got: got.body["count"] >= count
    )
    mails: list[dict[str, Any]] = answer.body["mails"]
    return mails


def order_when(shop: RunningShop, order_id: str, status: str) -> dict[str, Any]:
    """The order, once it has *status*."""
    url = f"{shop.orders}/orders/{order_id}"
    body: dict[str, Any] = eventually(lambda: call("GET", url), lambda got: got.body["status"] == status).body
    return body


def graphql(shop: RunningShop, query: str, **variables: object) -> Answer:
    """Send a GraphQL query to storefront."""
    return call("POST", f"{shop.storefront}/graphql", {"query": query, "variables": variables})


def test_an_order_is_reserved_charged_paid_and_mailed(
    shop: RunningShop, new_sku: NewSku, ask_inventory: AskInventory
) -> None:
    wanted = basket(new_sku(quantity=10))

    placed = call("POST", f"{shop.storefront}/checkout", wanted)

    assert placed.status == 201
    assert placed.body["total"] == 1400
    assert placed.headers["Location"] == f"/orders/{placed.body['id']}"
    paid = order_when(shop, placed.body["id"], "paid")
    assert paid["charge_id"].startswith("ch_")
    stock = ask_inventory(messages.StockRequest(sku=str(wanted["sku"])))
    assert (stock.available, stock.reserved) == (8, 2)
    (mail,) = mails_to(shop, wanted["email"], 1)
    assert mail["subject"] == f"Your order {placed.body['id']} is paid"
    assert "14.00 EUR" in mail["body"]


def test_an_order_by_graphql_is_the_same_order(shop: RunningShop, new_sku: NewSku) -> None:
    mutation = "mutation($input: OrderInput!) { placeOrder(input: $input) { id total lines { sku unitPrice } } }"
    sku = new_sku()

    placed = graphql(shop, mutation, input=basket(sku)).body["data"]["placeOrder"]

    assert placed["lines"] == [{"sku": sku, "unitPrice": 700}]
    assert order_when(shop, placed["id"], "paid")["total"] == placed["total"] == 1400


def test_a_graphql_refusal_carries_its_code(shop: RunningShop) -> None:
    answer = graphql(shop, "query($sku: ID!) { product(sku: $sku) { name } }", sku="no-such-sku")

    assert answer.status == 200
    assert [error["extensions"]["code"] for error in answer.body["errors"]] == ["unknown_sku"]


def test_the_same_idempotency_key_gives_the_same_order_and_takes_goods_once(
    shop: RunningShop, new_sku: NewSku, ask_inventory: AskInventory
) -> None:
    wanted, headers = basket(new_sku(quantity=10)), {"Idempotency-Key": uuid.uuid4().hex}

    first = call("POST", f"{shop.storefront}/checkout", wanted, headers)
    second = call("POST", f"{shop.storefront}/checkout", wanted, headers)

    assert (first.status, second.status) == (201, 200)
    assert first.body["id"] == second.body["id"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert ask_inventory(messages.StockRequest(sku=str(wanted["sku"]))).available == 8


def test_payments_charges_a_key_once_and_refuses_another_charge_with_it(shop: RunningShop) -> None:
    headers = {"Authorization": f"Bearer {shop.environ['SHOP_PAYMENTS_API_KEY']}", "Idempotency-Key": uuid.uuid4().hex}
    charge = {"amount": 500, "currency": "EUR", "card": "tok_visa", "reference": "test"}
    url = f"{shop.payments}/v1/charges"

    first, again = call("POST", url, charge, headers), call("POST", url, charge, headers)
    other = call("POST", url, charge | {"amount": 501}, headers)

    assert (first.status, again.status, other.status) == (201, 200, 409)
    assert first.body == again.body
    assert other.body["error"]["code"] == "idempotency_key_reused"


def test_payments_refuses_a_wrong_api_key(shop: RunningShop) -> None:
    answer = call("POST", f"{shop.payments}/v1/charges", {}, {"Authorization": "Bearer sk_wrong"})

    assert (answer.status, answer.body["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"sku": "no-such-sku"}, 404, "unknown_sku"),
        ({"quantity": 11}, 409, "out_of_stock"),
        ({"quantity": 0}, 422, "invalid_field"),
        ({"email": "nobody"}, 422, "invalid_field"),
        ({"card": "tok_declined"}, 402, "card_declined"),
    ],
)
def test_a_basket_that_cannot_be_ordered_is_refused_and_takes_nothing(
    shop: RunningShop,
    new_sku: NewSku,
    ask_inventory: AskInventory,
    fields: dict[str, object],
    status: int,
    code: str,
) -> None:
    sku = new_sku(quantity=10)

    answer = call("POST", f"{shop.storefront}/checkout", basket(sku) | fields)

    assert (answer.status, answer.body["error"]["code"]) == (status, code)
    stock = ask_inventory(messages.StockRequest(sku=sku))
    assert (stock.available, stock.reserved) == (10, 0)


def test_cancelling_frees_the_goods_refunds_and_mails(
    shop: RunningShop, new_sku: NewSku, ask_inventory: AskInventory
) -> None:
    wanted = basket(new_sku(quantity=10))
    order = call("POST", f"{shop.storefront}/checkout", wanted).body
    order_when(shop, order["id"], "paid")

    cancelled = call("POST", f"{shop.storefront}/orders/{order['id']}/cancel", {})
    again = call("POST", f"{shop.storefront}/orders/{order['id']}/cancel", {})

    assert cancelled.body["status"] == "cancelled"
    assert again.status == 409
    assert ask_inventory(messages.StockRequest(sku=str(wanted["sku"]))).available == 10
    headers = {"Authorization": f"Bearer {shop.environ['SHOP_PAYMENTS_API_KEY']}"}
    charge = call("GET", f"{shop.payments}/v1/charges/{order['charge_id']}", headers=headers)
    assert charge.body["status"] == "refunded"
    assert [mail["event"] for mail in mails_to(shop, wanted["email"], 2)] == ["order.paid", "order.cancelled"]


def test_a_payment_notice_counts_only_with_its_signature_and_only_once(shop: RunningShop, new_sku: NewSku) -> None:
    wanted = basket(new_sku())
    shop.switch("payments", send_webhook="lost")
    order = call("POST", f"{shop.storefront}/checkout", wanted).body
    data = {"id": "ch_own", "reference": order["id"], "status": "succeeded"}
    notice = json.dumps({"type": "charge.succeeded", "data": data}).encode()
    key = shop.environ["SHOP_PAYMENTS_API_KEY"].encode()
    signed = {"Payment-Signature": hmac.new(key, notice, hashlib.sha256).hexdigest()}
    url = f"{shop.orders}/webhooks/payments"

    forged = call("POST", url, notice, {"Payment-Signature": "0" * 64})
    first, second = call("POST", url, notice, signed), call("POST", url, notice, signed)

    assert forged.status == 401
    assert (first.body["changed"], second.body["changed"]) == (True, False)
    assert len(mails_to(shop, wanted["email"], 1)) == 1


def test_orders_and_inventory_keep_their_own_schemas(shop: RunningShop, new_sku: NewSku) -> None:
    sku = new_sku()
    call("POST", f"{shop.storefront}/checkout", basket(sku))
    connection = psycopg2.connect(shop.environ["SHOP_DATABASE_URL"])
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT o.quantity, r.state FROM orders.orders o"
                " JOIN inventory.reservations r ON r.reference = o.id::text WHERE o.sku = %s",
                [sku],
            )
            assert cursor.fetchall() == [(2, "held")]
    finally:
        connection.close()


def test_releasing_twice_gives_the_goods_back_once(new_sku: NewSku, ask_inventory: AskInventory) -> None:
    sku = new_sku(quantity=5)
    held = ask_inventory(messages.ReserveRequest(sku=sku, quantity=2, reference="test"))

    for _ in range(2):
        assert ask_inventory(messages.ReleaseRequest(reservation_id=held.id)).state == "released"

    assert ask_inventory(messages.StockRequest(sku=sku)).available == 5


def test_inventory_refuses_with_the_right_codes(new_sku: NewSku, ask_inventory: AskInventory) -> None:
    def code_of(request: Message) -> str:
        with pytest.raises(grpc.RpcError) as refusal:
            ask_inventory(request)
        return str(refusal.value.code().name)

    assert code_of(messages.StockRequest(sku="no-such-sku")) == "NOT_FOUND"
    assert code_of(messages.ReserveRequest(sku=new_sku(1), quantity=2, reference="test")) == "FAILED_PRECONDITION"
    assert code_of(messages.ReserveRequest(sku="x", quantity=0)) == "INVALID_ARGUMENT"
    assert code_of(messages.ReleaseRequest(reservation_id="not-a-uuid")) == "INVALID_ARGUMENT"
