"""Starts the example shop as real processes, for every test that needs a system to talk to.

``start_shop(database_url, redis_url)`` gives the shop a database of its own on that server, and takes
the given Redis database as it is: choose one that nobody flushes (``shop_redis_url``).
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import grpc
import psycopg2
import redis
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.examples.http_calls import Answer, call

ROOT = Path(__file__).parents[2]
SERVICES = ("inventory", "payments", "orders", "notifier", "storefront")
HEALTHY = {"inventory": "1.0", "payments": "1.0"}
READY_WITHIN_SECONDS = 90.0  # about three on an idle machine


class ShopNotReadyError(RuntimeError):
    """The shop did not become ready; the message holds what its processes wrote."""


@dataclass
class RunningShop:
    """A shop that runs. *environ* are the ``SHOP_…`` variables of its addresses and secrets."""

    environ: Mapping[str, str]
    processes: Mapping[str, "subprocess.Popen[bytes]"]
    logs: Path
    server_url: str
    started: float = field(default_factory=time.monotonic)

    @property
    def storefront(self) -> str:
        """Base URL of storefront."""
        return self.environ["SHOP_STOREFRONT_URL"]

    @property
    def orders(self) -> str:
        """Base URL of orders."""
        return self.environ["SHOP_ORDERS_URL"]

    @property
    def payments(self) -> str:
        """Base URL of payments."""
        return self.environ["SHOP_PAYMENTS_URL"]

    @property
    def notifier(self) -> str:
        """Base URL of notifier."""
        return self.environ["SHOP_NOTIFIER_URL"]

    @property
    def inventory(self) -> str:
        """``host:port`` of inventory."""
        return self.environ["SHOP_INVENTORY_TARGET"]

    def switch(self, service: str, *, version: str | None = None, **faults: str) -> Answer:
        """Switch a version, and faults by operation (``create_order="delay:0.5"``)."""
        body: dict[str, object] = {"faults": {name.replace("_", "-"): fault for name, fault in faults.items()}}
        return call("PUT", f"{self.storefront}/control/{service}", body | ({"version": version} if version else {}))

    def reset(self) -> None:
        """Back to the versions of the start, without faults."""
        for service in SERVICES:
            call("DELETE", f"{self.storefront}/control/{service}")

    def wait_until_ready(self) -> Self:
        """Return when every service is healthy, or raise :class:`ShopNotReadyError`."""
        deadline = self.started + READY_WITHIN_SECONDS
        waiting = set(SERVICES)
        while waiting:
            dead = [name for name, process in self.processes.items() if process.poll() is not None]
            if dead or time.monotonic() > deadline:
                raise ShopNotReadyError(f"not ready: {sorted(waiting)}, ended: {dead}\n{self.log_text()}")
            waiting = {name for name in waiting if not self._is_healthy(name)}
            time.sleep(0.05)
        return self

    def log_text(self) -> str:
        """What the processes have written so far."""
        return "\n".join(f"== {path.stem}\n{path.read_text()}" for path in sorted(self.logs.glob("*.log")))

    def stop(self) -> None:
        """End the processes; drop the database and the logs."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        shutil.rmtree(self.logs, ignore_errors=True)
        _execute(self.server_url, f'DROP DATABASE IF EXISTS "{_database_name(self.environ)}" WITH (FORCE)')

    def _is_healthy(self, service: str) -> bool:
        if service == "inventory":
            return _grpc_health(self.inventory)
        with contextlib.suppress(OSError):
            return call("GET", f"{self.environ[f'SHOP_{service.upper()}_URL']}/health").status == 200
        return False


def start_shop(
    database_url: str,
    redis_url: str,
    *,
    versions: Mapping[str, str] | None = None,
    otlp_endpoint: str | None = None,
) -> RunningShop:
    """Start the five services on free ports and wait until they are healthy.

    *versions* overrides the healthy ones (``{"inventory": "1.1"}``); with *otlp_endpoint* the services
    export their spans to it. Raises :class:`ShopNotReadyError` after the third try.
    """
    redis.Redis.from_url(redis_url).delete(*(f"shop:control:{service}" for service in SERVICES))
    for tries_left in (2, 1, 0):
        name = f"shop_{uuid.uuid4().hex[:12]}"
        _execute(database_url, f'CREATE DATABASE "{name}"')
        environ = shop_environ(_with_database(database_url, name), redis_url)
        extra = {
            f"SHOP_{service.upper()}_VERSION": version for service, version in (HEALTHY | dict(versions or {})).items()
        }
        if otlp_endpoint:
            extra["OTEL_EXPORTER_OTLP_ENDPOINT"] = otlp_endpoint
        logs = Path(tempfile.mkdtemp(prefix="shop-logs-"))
        processes = {service: start_service(service, {**environ, **extra}, logs) for service in SERVICES}
        shop = RunningShop(environ, processes, logs, database_url)
        try:
            return shop.wait_until_ready()
        except ShopNotReadyError:  # a port may have been taken meanwhile
            shop.stop()
            if not tries_left:
                raise
    raise AssertionError("unreachable")


def start_service(service: str, environ: Mapping[str, str], logs: Path) -> "subprocess.Popen[bytes]":
    """Start one service; it writes to ``<service>.log`` in *logs*."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SHOP_", "OTEL_"))}
    with (logs / f"{service}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "examples.shop", service],
            cwd=ROOT,
            env={**inherited, **environ},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def shop_environ(database_url: str, redis_url: str) -> dict[str, str]:
    """The variables of a shop on free ports."""
    ports = free_ports(5)
    addresses = {
        f"SHOP_{name}_URL": f"http://127.0.0.1:{port}"
        for name, port in zip(("STOREFRONT", "ORDERS", "PAYMENTS", "NOTIFIER"), ports, strict=False)
    }
    return addresses | {
        "SHOP_INVENTORY_TARGET": f"127.0.0.1:{ports[4]}",
        "SHOP_DATABASE_URL": database_url,
        "SHOP_REDIS_URL": redis_url,
        "SHOP_PAYMENTS_API_KEY": f"sk_test_{uuid.uuid4().hex}",
    }


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def shop_redis_url(redis_url: str, worker_id: str) -> str:
    """A Redis database for the shop of one xdist worker, apart from those that tests flush (0 to 8)."""
    number = 9 if worker_id == "master" else 10 + int(worker_id.removeprefix("gw"))
    return f"{redis_url.rsplit('/', 1)[0]}/{number}"


def _grpc_health(target: str) -> bool:
    with grpc.insecure_channel(target) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _with_database(url: str, name: str) -> str:
    base, mark, query = url.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}{mark}{query}"


def _database_name(environ: Mapping[str, str]) -> str:
    return environ["SHOP_DATABASE_URL"].partition("?")[0].rsplit("/", 1)[1]


def _execute(database_url: str, statement: str) -> None:
    connection = psycopg2.connect(database_url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()
