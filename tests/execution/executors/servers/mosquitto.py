"""A Mosquitto of the tests' own: plain and with TLS, with a user ``tests`` and topics that it may not use."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.execution.executors.servers.certificates import Authority
from tests.execution.executors.servers.installed import needed
from tests.servers import free_port

STARTS_WITHIN = 30  # seconds
PASSWORD = "p@ss"


@dataclass
class Mosquitto:
    """Where it is; *ca_pem* is the authority of the certificate of its TLS port, which names ``localhost``."""

    home: Path
    port: int
    tls_port: int
    ca_pem: str

    @property
    def url(self) -> str:
        return f"mqtt://tests:p%40ss@127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"mqtts://tests:p%40ss@localhost:{self.tls_port}"

    def start(self) -> None:
        """Start it, with what it kept."""
        with (self.home / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                [str(needed("mosquitto", "mosquitto")), "-c", str(self.home / "mosquitto.conf")],
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            log = (self.home / "output.log").read_text(errors="replace")
            assert self._process.poll() is None, log
            assert time.monotonic() < deadline, log
            try:
                socket.create_connection(("127.0.0.1", self.tls_port), 5).close()
                return
            except OSError:
                time.sleep(0.05)

    def stop(self) -> None:
        """End it in order: it writes down its sessions."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


@pytest.fixture(scope="session")
def mosquitto(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    needed("mosquitto", "mosquitto")
    home = tmp_path_factory.mktemp("mosquitto")
    pem = authority.issue("localhost", home)
    (home / "ca.pem").write_text(authority.pem)
    users = home / "users"
    subprocess.run(
        [str(needed("mosquitto_passwd", "mosquitto")), "-b", "-c", str(users), "tests", PASSWORD], check=True
    )
    (home / "acl").write_text("user tests\ntopic readwrite #\ntopic read $SYS/#\ntopic deny forbidden/#\n")
    server = Mosquitto(home, free_port(), free_port(), authority.pem)
    lines = [
        *(["user root"] if os.geteuid() == 0 else []),  # else it could not read the tests' folder
        "per_listener_settings false",
        "allow_anonymous false",
        f"password_file {users}",
        f"acl_file {home / 'acl'}",
        "persistence true",
        "sys_interval 1",
        f"persistence_location {home}/",
        f"listener {server.port} 127.0.0.1",
        f"listener {server.tls_port} 127.0.0.1",
        f"cafile {home / 'ca.pem'}",
        f"certfile {pem}",
        f"keyfile {pem}",
    ]
    (home / "mosquitto.conf").write_text("\n".join(lines) + "\n")
    server.start()
    yield server
    server.stop()
