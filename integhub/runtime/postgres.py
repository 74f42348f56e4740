"""The embedded PostgreSQL: made, started, stopped, and recovered after any kind of crash.

TCP on loopback with passwords, no Unix sockets: a socket's path may have 107 bytes only, which a clone deep
in somebody's folders exceeds, and a folder for it elsewhere could collide.

What keeps the data folder whole: it is made beside its place and renamed into it, so it is there completely
or not at all; everything that still works in it is ended before anything new starts; and a pid file is
removed only when nothing does.
"""

import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection

from integhub.runtime import binaries, orphans
from integhub.runtime.accounts import Account, account_for
from integhub.runtime.ports import LOOPBACK
from integhub.runtime.progress import Failure

SUPERUSER = "postgres"
STOP_SECONDS = 30.0
RECOVERY_SECONDS = 600.0  # replaying the log after a crash may take long, and must not be cut short
SETTINGS: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
}
# For data that is thrown away: no waiting for the disk.
THROW_AWAY: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass
class Postgres:
    """One server on the data folder *data* at *port*, logging into the file *log*."""

    data: Path
    port: int
    password: str
    log: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    name = "PostgreSQL"

    def url(self, role: str, password: str, database: str) -> str:
        """Address for clients; all three must be safe in an URL, as the generated ones are."""
        return f"postgresql://{role}:{password}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        """Recover the folder, make it if need be, start the server and wait until it answers."""
        account = account_for(self.data, binaries.postgres("postgres"))
        recover(self.data)
        if not self.data.exists():
            self._make(account)
        self._check_version()
        settings = {**SETTINGS, **self.settings, "port": str(self.port)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        command = account.command(binaries.postgres("postgres"), "-D", self.data, *options)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """Fast shutdown: sessions are ended, everything is written. Nothing happens when it is not running."""
        if self._process is None:
            return
        for sent in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self._process.poll() is None:
                self._process.send_signal(sent)
            try:
                self._process.wait(STOP_SECONDS)
                break
            except subprocess.TimeoutExpired:
                continue
        self._process = None

    def alive(self) -> bool:
        """Whether the server that ``start`` started still runs."""
        return self._process is not None and self._process.poll() is None

    def ensure_role(self, role: str, password: str, *, createdb: bool = False) -> None:
        """Make the login *role* with *password* and a database of the same name that only it may use."""
        with closing(self._connect()) as session, session.cursor() as cursor:
            name = sql.Identifier(role)
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            verb = sql.SQL("ALTER ROLE" if cursor.fetchone() else "CREATE ROLE")
            extra = sql.SQL("CREATEDB" if createdb else "NOCREATEDB")
            cursor.execute(sql.SQL("{} {} LOGIN {} PASSWORD {}").format(verb, name, extra, sql.Literal(password)))
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [role])
            if not cursor.fetchone():
                cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))
            cursor.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(name))

    def _make(self, account: Account) -> None:
        fresh = self.data.with_name(f"{self.data.name}.new-{secrets.token_hex(4)}")
        fresh.mkdir(mode=0o700)
        account.own(fresh)
        password_file = fresh.with_name(f"{fresh.name}.password")
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        account.own(password_file)
        options = [
            f"--username={SUPERUSER}", f"--pwfile={password_file}", "--auth=scram-sha-256", "--encoding=UTF8",
            "--locale-provider=builtin", "--locale=C.UTF-8",
        ]  # fmt: skip
        if self.settings.get("fsync") == "off":
            options.append("--no-sync")
        command = account.command(binaries.postgres("initdb"), "-D", fresh, *options)
        try:
            made = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
        finally:
            password_file.unlink()
        if made.returncode != 0:
            raise Failure(f"PostgreSQL's data folder could not be made:\n{made.stdout}{made.stderr}".rstrip())
        fresh.rename(self.data)

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != binaries.POSTGRES_VERSION:
            raise Failure(
                f"{self.data} was made by PostgreSQL {found}, this is {binaries.POSTGRES_VERSION}. Dump it with the"
                " older version of IntegHub first, or start over with script/server --fresh."
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + RECOVERY_SECONDS
        while time.monotonic() < deadline:
            try:
                self._connect().close()
                return
            except psycopg2.OperationalError as error:
                if "password authentication failed" in str(error):
                    self.stop()
                    raise Failure(_password_lost(self.data)) from error
            if not self.alive():
                raise Failure(f"PostgreSQL ended while starting:\n{tail(self.log)}")
            time.sleep(0.05)
        raise Failure(f"PostgreSQL does not answer after {RECOVERY_SECONDS:.0f} s; see {self.log}.")

    def _connect(self) -> connection:
        session = psycopg2.connect(self.url(SUPERUSER, self.password, "postgres"), connect_timeout=5)
        session.autocommit = True
        return session


def recover(data: Path) -> None:
    """End whatever an earlier start left working in the folder *data*, and remove what it left half made."""
    pid_file = data / "postmaster.pid"
    left = orphans.working_in(data)
    main = [process for process in left if str(process.pid) == first_line(pid_file)]
    # Only the main process may be asked to shut down; the others understand the signal differently, and
    # those that it leaves behind when it was killed can only be told to go at once.
    orphans.end(main, first=signal.SIGINT, then=signal.SIGQUIT, grace=STOP_SECONDS)
    orphans.end(orphans.working_in(data), first=signal.SIGQUIT)
    if orphans.working_in(data):
        raise Failure(f"Processes still work in {data} and do not end.")
    # Nothing works in the folder, so whatever process now has the number in this file is another one;
    # PostgreSQL itself would refuse to start for it.
    pid_file.unlink(missing_ok=True)
    for half_made in data.parent.glob(f"{data.name}.new-*"):
        orphans.end(orphans.working_in(half_made))
        half_made.unlink() if half_made.is_file() else shutil.rmtree(half_made)


def first_line(path: Path) -> str:
    """First line of the file *path* without its end; empty when there is no such file."""
    return path.read_text().partition("\n")[0].strip() if path.exists() else ""


def tail(log: Path, lines: int = 15) -> str:
    """The last *lines* of the file *log*."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _password_lost(data: Path) -> str:
    return (
        f"{data} does not open with the password in secrets.json: the two do not belong together. Put the right"
        " secrets.json back, or start over with script/server --fresh, which deletes the data."
    )
