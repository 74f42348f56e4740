"""The SMTP server of the built-in mailbox."""

import asyncio
import logging
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from apps.core.mailboxes import Mailboxes
from apps.execution.mail.reading import as_json
from apps.execution.mail.store import MailStore, NoRoom

log = logging.getLogger(__name__)
MAX_SIZE = 10 * 1024 * 1024  # bytes of one mail
MAX_RECIPIENTS = 100
MAX_CONNECTIONS = 200
IDLE = 60  # seconds


class MailHandler:
    """Takes mail for addresses that we made, and any mail of a component that signed in."""

    def __init__(self, mailboxes: Mailboxes, store: MailStore) -> None:
        self._mailboxes = mailboxes
        self._store = store

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's names
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse recipients that are nobody's, at once."""
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        if not session.auth_data and not self._mailboxes.box_of(address):
            return "550 5.1.1 No such mailbox here: use an address that mailbox() made, or sign in"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail in the boxes of its recipients and of who signed in."""
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        recipients = [str(address) for address in envelope.rcpt_tos]
        boxes = {box for address in recipients if (box := self._mailboxes.box_of(address))}
        if session.auth_data:
            boxes.add(str(session.auth_data))
        mail = await asyncio.to_thread(as_json, raw, envelope.mail_from or "", recipients)
        try:
            for box in sorted(boxes):
                await self._store.add(box, mail)
        except NoRoom:
            log.warning("mail refused: the mailbox is full")
            return "452 4.3.1 The mailbox is full; try again later"
        return "250 2.0.0 Kept for the tests that wait for it"


class MailServer(SMTP):
    """One connection; too many at once are sent away."""

    open_now = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count, and refuse when there are too many."""
        MailServer.open_now += 1
        if MailServer.open_now > MAX_CONNECTIONS and isinstance(transport, asyncio.WriteTransport):
            transport.write(b"421 4.3.2 Too many connections\r\n")
            transport.close()
            return
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Count."""
        MailServer.open_now -= 1
        if self.transport is not None:
            super().connection_lost(error)


async def serve(host: str, port: int, mailboxes: Mailboxes, store: MailStore) -> asyncio.Server:
    """Listen on *host* and *port* (0 for any)."""
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd tells every line that it reads

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        box = mailboxes.box_of_login(data.login.decode("utf-8", "replace"), data.password.decode("utf-8", "replace"))
        return AuthResult(success=bool(box), handled=False, auth_data=box or None)

    def connection() -> MailServer:
        return MailServer(
            MailHandler(mailboxes, store),
            data_size_limit=MAX_SIZE,
            hostname=mailboxes.domain,
            ident="IntegHub mailbox",
            timeout=IDLE,
            authenticator=authenticate,
            auth_require_tls=False,  # a login opens nothing but this box
        )

    return await asyncio.get_running_loop().create_server(connection, host, port)
