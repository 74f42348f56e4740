"""Switching versions really changes what the shop does."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from examples.shop.protocol import inventory_pb2 as messages
from tests.examples.http_calls import call, eventually
from tests.examples.shop_processes import RunningShop, shop_environ, start_service

NewSku = Callable[..., str]
AskInventory = Callable[[Message], Any]
CUSTOMERS = 8


def reservations_of_the_last_piece(sku: str, ask_inventory: AskInventory) -> int:
    """Let many want the last piece of *sku* at once; return how many got it."""

    def reserve(number: int) -> bool:
        try:
            ask_inventory(messages.ReserveRequest(sku=sku, quantity=1, reference=f"customer {number}"))
        except grpc.RpcError:
            return False
        return True

    with ThreadPoolExecutor(CUSTOMERS) as customers:
        return sum(customers.map(reserve, range(CUSTOMERS)))


def milliseconds_of_get_stock(sku: str, ask_inventory: AskInventory) -> float:
    """The fastest of a few calls: a busy machine makes calls slower, never faster."""
    durations = []
    for _ in range(6):
        started = time.perf_counter()
        ask_inventory(messages.StockRequest(sku=sku))
        durations.append((time.perf_counter() - started) * 1000)
    return min(durations)


@pytest.mark.parametrize("version", ["1.0", "1.2"])
def test_a_good_inventory_gives_the_last_piece_to_one_customer(
    shop: RunningShop, new_sku: NewSku, ask_inventory: AskInventory, version: str
) -> None:
    shop.switch("inventory", version=version)

    assert reservations_of_the_last_piece(new_sku(quantity=1), ask_inventory) == 1


def test_inventory_1_1_gives_the_last_piece_to_several_customers(
    shop: RunningShop, new_sku: NewSku, ask_inventory: AskInventory
) -> None:
    shop.switch("inventory", version="1.1")

    assert reservations_of_the_last_piece(new_sku(quantity=1), ask_inventory) > 1


def test_inventory_1_1_is_right_when_customers_come_one_after_the_other(
    shop: RunningShop, new_sku: NewSku, ask_inventory: AskInventory
) -> None:
    shop.switch("inventory", version="1.1")
    sku = new_sku(quantity=1)

    ask_inventory(messages.ReserveRequest(sku=sku, quantity=1, reference="first"))
    with pytest.raises(grpc.RpcError):
        ask_inventory(messages.ReserveRequest(sku=sku, quantity=1, reference="second"))


def test_inventory_1_2_takes_about_five_times_as_long_to_tell_the_stock(
    shop: RunningShop, new_sku: NewSku, ask_inventory: AskInventory
) -> None:
    sku = new_sku()
    good = milliseconds_of_get_stock(sku, ask_inventory)
    shop.switch("inventory", version="1.2")
    slow = milliseconds_of_get_stock(sku, ask_inventory)

    assert 3 < slow / good < 7


def test_payments_2_0_renames_a_field_and_breaks_orders(shop: RunningShop, new_sku: NewSku) -> None:
    shop.switch("payments", version="2.0")
    basket = {"sku": new_sku(), "quantity": 1, "email": "someone@example.test", "card": "tok_visa"}

    answer = call("POST", f"{shop.storefront}/checkout", basket)

    assert (answer.status, answer.body["error"]["code"]) == (502, "payments_unreadable")
    assert "'state'" in answer.body["error"]["message"]


def test_every_service_tells_its_version(shop: RunningShop, ask_inventory: AskInventory) -> None:
    for service in ("storefront", "orders", "payments", "notifier"):
        url = shop.environ[f"SHOP_{service.upper()}_URL"]
        assert call("GET", f"{url}/version").body == {"service": service, "version": "1.0"}
    shop.switch("inventory", version="1.2")
    assert ask_inventory(messages.VersionRequest()).version == "1.2"


def test_a_version_that_does_not_exist_is_refused_and_changes_nothing(shop: RunningShop) -> None:
    answer = shop.switch("inventory", version="9.9")

    assert answer.status == 422
    assert "known: 1.0, 1.1, 1.2" in answer.body["error"]["message"]
    assert call("GET", f"{shop.storefront}/control/inventory").body["version"] == "1.0"


def test_a_version_in_the_environment_is_the_version_at_the_start(shop: RunningShop, tmp_path: Path) -> None:
    environ = shop_environ(shop.environ["SHOP_DATABASE_URL"], shop.environ["SHOP_REDIS_URL"])
    process = start_service("payments", {**environ, "SHOP_PAYMENTS_VERSION": "2.0"}, tmp_path)
    try:

        def version() -> object:
            try:
                return call("GET", f"{environ['SHOP_PAYMENTS_URL']}/version").body["version"]
            except OSError:
                return None

        assert eventually(version, lambda got: got is not None, within_seconds=60) == "2.0"
    finally:
        process.terminate()
        assert process.wait(30) == 0


def test_the_command_line_switches_too(shop: RunningShop) -> None:
    def control(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "examples.shop", "control", *words]
        return subprocess.run(command, env={**os.environ, **shop.environ}, capture_output=True, text=True, check=False)

    assert control("inventory", "version", "1.1").returncode == 0
    assert control("orders", "fault", "create-order", "delay:0.5").returncode == 0
    assert call("GET", f"{shop.storefront}/control/inventory").body["version"] == "1.1"
    assert call("GET", f"{shop.storefront}/control/orders").body["faults"] == {"create-order": "delay:0.5"}
    refused = control("inventory", "fault", "fly", "error")
    assert refused.returncode == 2
    assert "unknown operation 'fly'" in refused.stdout
    assert control("reset").returncode == 0
    assert call("GET", f"{shop.storefront}/control/orders").body["faults"] == {}
