"""A MariaDB of the tests' own: in a temporary folder, on a free port, with TLS by the tests' authority."""

import os
import shutil
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

STARTS_WITHIN = 60  # seconds
PASSWORD = "p@ss word"
_TABLES = f"""
CREATE DATABASE shop CHARACTER SET utf8mb4;
CREATE USER tests@'%' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON shop.* TO tests@'%';
CREATE USER badge@'%' REQUIRE SUBJECT '/CN=client';
GRANT ALL ON shop.* TO badge@'%';
GRANT PROCESS ON *.* TO tests@'%';
CREATE TABLE shop.orders (id int AUTO_INCREMENT PRIMARY KEY, sku varchar(40), total decimal(10,2), state varchar(20));
""".strip()


@dataclass(frozen=True)
class MariaDB:
    """Where it is; *ca_pem* is the authority of its certificate, which names ``localhost``, and of its clients'.

    The user ``badge`` must show one for ``client``, and has no password.
    """

    port: int
    ca_pem: str

    def url(self, host: str = "127.0.0.1", query: str = "") -> str:
        """The URL of the database ``shop``."""
        return f"mariadb://tests:p%40ss%20word@{host}:{self.port}/shop{query}"


@pytest.fixture(scope="session")
def mariadb(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A server with the database ``shop``."""
    server = needed("mariadbd", "mariadb-server-core")
    install = needed("mariadb-install-db", "mariadb-server-core")
    needed("my_print_defaults", "mariadb-client-core")
    home = tmp_path_factory.mktemp("mariadb")
    user = ["--user=root"] if os.geteuid() == 0 else []
    small = ["--innodb-log-file-size=8M", "--innodb-buffer-pool-size=16M"]
    command = [str(install), "--no-defaults", f"--datadir={home}/data", "--skip-test-db", *user, *small]
    made = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    (home / "tables.sql").write_text(_TABLES)
    pem = authority.issue("localhost", home)
    port, log = free_port(), home / "output.log"
    options = [f"--datadir={home}/data", f"--port={port}", "--bind-address=127.0.0.1", f"--socket={home}/s"]
    options += [f"--pid-file={home}/pid", f"--init-file={home}/tables.sql", f"--ssl-cert={pem}", f"--ssl-key={pem}"]
    (home / "ca.pem").write_text(authority.pem)
    options.append(f"--ssl-ca={home}/ca.pem")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(server), "--no-defaults", *options, *small, *user], stdout=output, stderr=output
        )
        try:
            _wait(port, process, log)
            yield MariaDB(port, authority.pem)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
    shutil.rmtree(home, ignore_errors=True)


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        assert process.poll() is None, log.read_text(errors="replace")
        assert time.monotonic() < deadline, log.read_text(errors="replace")
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as probe:
                if probe.recv(1):
                    return
        except OSError:
            time.sleep(0.1)
