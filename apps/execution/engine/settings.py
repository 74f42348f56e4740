"""Limits of the engine, given once per event loop."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from apps.execution.engine.callbacks import Callbacks
from apps.execution.engine.egress import EgressPolicy

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLimits:
    """What a command may use. Bytes and counts; its time is the step's ``timeout``."""

    memory: int = 2048 * MEBIBYTE
    file_size: int = 256 * MEBIBYTE
    open_files: int = 512
    processes: int = 256
    output: int = 64 * MEBIBYTE
    """Above this much output the command is killed."""
    path: str = f"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{Path(sys.executable).parent}"
    """Last comes the worker's own Python, so that ``python3`` is there on every machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSettings:
    """The browser, and what one case may use of it. Sizes in bytes, times in seconds."""

    executable: str = ""
    """Path of Chromium; empty where there is none."""
    idle: float = 30.0
    """So long it is kept for the next case; then it is ended, since it holds some hundred MiB."""
    transfer: int = 256 * MEBIBYTE
    """What its pages may load in one case; then their connections are cut."""
    picture: int = 4 * MEBIBYTE
    trace: int = 16 * MEBIBYTE
    """Larger pictures and traces are left out, and the result says so."""
    sessions: int = 4
    """Sessions of one case."""
    tabs: int = 10
    """Tabs of one session; more are closed at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxSettings:
    """The built-in mailbox: where it keeps mail, and what its addresses are made with."""

    redis_url: str = field(repr=False)
    key: bytes = field(repr=False)
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """Everything that can be set. Sizes in bytes, times in seconds."""

    egress: EgressPolicy = field(default_factory=EgressPolicy.of)
    body_read: int = 4 * MEBIBYTE
    """A response is read up to here for its checks; then the transfer is stopped."""
    body_stored: int = 1 * MEBIBYTE
    """Of what was read, this much is kept in the result."""
    rows: int = 1000
    """SQL rows and Redis messages that are read at most."""
    ca_file: str = ""
    """PEM file of authorities to trust; empty for those of the machine."""
    teardown_timeout: float = 30.0
    connections: int = 256
    """HTTP connections kept open for reuse."""
    connections_per_database: int = 16
    commands: CommandLimits = field(default_factory=CommandLimits)
    browser: BrowserSettings = field(default_factory=BrowserSettings)
    mailbox: MailboxSettings | None = None
    """None where no mailbox runs."""
    callbacks: Callbacks | None = None
    """None where nothing can be called back."""
