"""A RabbitMQ of the tests' own: in a temporary folder, on free ports, with its own epmd."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import aiormq
import pytest

from tests.execution.executors.servers.installed import needed
from tests.servers import free_port

STARTS_WITHIN = 90  # seconds


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the broker."""
    # The script in /usr/lib: the one in /usr/sbin insists on the account of the system's own broker.
    server = needed("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
    home = tmp_path_factory.mktemp("rabbitmq")
    port, epmd_port = free_port(), free_port()
    (home / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\nloopback_users = none\n")
    (home / "plugins").write_text("[].")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"tests{os.getpid()}@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": str(home / "none.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_LOGS": "-",
        # Only as many schedulers as a test needs, and none that spin.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none",
    }
    epmd = needed("epmd", "rabbitmq-server")
    url = f"amqp://guest:guest@127.0.0.1:{port}/"
    log = home / "output.log"
    names = [str(epmd), "-address", "127.0.0.1", "-port", str(epmd_port)]
    with log.open("wb") as output, subprocess.Popen(names, stdout=output, stderr=output) as registry:
        broker = subprocess.Popen(
            [str(server)], env=environment, cwd=home, stdout=output, stderr=output, start_new_session=True
        )
        try:
            _wait(url, broker, log)
            yield url
        finally:
            _end(broker)
            registry.terminate()
    shutil.rmtree(home, ignore_errors=True)


def _wait(url: str, broker: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while not asyncio.run(_answers(url)):
        assert broker.poll() is None, log.read_text(errors="replace")
        assert time.monotonic() < deadline, log.read_text(errors="replace")
        time.sleep(0.3)


async def _answers(url: str) -> bool:
    try:
        _reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2].rstrip("/")))
        writer.close()
        connection = await aiormq.connect(url)
        await connection.close()
    except (OSError, aiormq.AMQPError):
        return False
    return True


def _end(broker: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(broker.pid, signal.SIGTERM)
    try:
        broker.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(broker.pid, signal.SIGKILL)
        broker.wait(10)
