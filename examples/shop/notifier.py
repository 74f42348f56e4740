"""``notifier``: reads the order events with a consumer group and "sends" mail.

Mail lands in a mailbox kept in Redis for an hour, which tests read: ``GET /mailbox?to=ADDRESS``. An event
that cannot be read goes to the stream ``orders.events.dead``. Mail and acknowledgement are one
transaction, so that a restart neither loses nor doubles a mail.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from redis.exceptions import RedisError, ResponseError

from examples.shop import telemetry
from examples.shop.control import FaultKind
from examples.shop.errors import ShopError
from examples.shop.order_events import KEPT_EVENTS, STREAM
from examples.shop.process import Service
from examples.shop.web import serving_http

GROUP = CONSUMER = "notifier"
DEAD = f"{STREAM}.dead"
MAILBOX_SECONDS = 3600
RECLAIM_AFTER_MS = 2000
"""An event that could not be handled is tried again after this time."""
SUBJECTS = {
    "order.paid": "Your order {order_id} is paid",
    "order.cancelled": "Your order {order_id} is cancelled",
}
QUIET_EVENTS = {"order.placed"}


class Notifier:
    """Consumes the stream, and answers for the mailbox."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._redis = service.redis
        self._log = service.log

    async def mailbox(self, request: web.Request) -> web.Response:
        """The mails to one address, oldest first."""
        mails = [json.loads(mail) for mail in await self._redis.lrange(_mailbox_key(request), 0, -1)]
        return web.json_response({"count": len(mails), "mails": mails})

    async def empty_mailbox(self, request: web.Request) -> web.Response:
        """Throw the mails to one address away."""
        await self._redis.delete(_mailbox_key(request))
        return web.Response(status=204)

    async def consume(self) -> None:
        """Handle events until cancelled; without Redis, wait quietly."""
        task = asyncio.current_task()
        # Not `while True`: asyncio.wait_for of Python 3.11, inside redis-py, can swallow a cancellation.
        while task is not None and not task.cancelling():
            try:
                await self._handle_batch()
            except ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
                await self.join_group()
            except (RedisError, OSError):
                await asyncio.sleep(0.5)

    async def join_group(self) -> None:
        """Make the consumer group (and the stream) when it is not there."""
        try:
            await self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _handle_batch(self) -> None:
        claimed: Any = await self._redis.xautoclaim(STREAM, GROUP, CONSUMER, RECLAIM_AFTER_MS, count=50)
        read: Any = await self._redis.xreadgroup(GROUP, CONSUMER, {STREAM: ">"}, count=50, block=500)
        left_over, fresh = claimed[1], read[0][1] if read else []
        for entry_id, fields in [*left_over, *fresh]:
            if fields:  # an entry may have been trimmed away meanwhile
                await self._handle(entry_id, fields)

    async def _handle(self, entry_id: str, fields: Mapping[str, str]) -> None:
        attributes = {"messaging.system": "redis", "messaging.destination.name": STREAM}
        with telemetry.consumer_span(f"process {STREAM}", fields, attributes) as span:
            try:
                await self._send_mail(entry_id, fields)
            except ValueError as error:
                telemetry.failed(span, str(error))
                self._log.warning("dead letter", entry=entry_id, reason=str(error))
                await self._bury(entry_id, fields, str(error))

    async def _send_mail(self, entry_id: str, fields: Mapping[str, str]) -> None:
        fault = (await self._service.control.read()).faults.get("send-mail")
        kind = fault.kind if fault else None
        if fault is not None and kind is FaultKind.DELAY:
            await asyncio.sleep(fault.seconds)
        if kind is FaultKind.ERROR:
            self._log.warning("mail not sent", entry=entry_id, reason="a fault is switched on")
            return  # not acknowledged: it is tried again
        mail = None if kind is FaultKind.LOST else _mail(fields)
        if mail is not None and kind is FaultKind.MALFORMED:
            mail["subject"] = mail["body"] = "\N{REPLACEMENT CHARACTER}" * 8
        async with self._redis.pipeline(transaction=True) as transaction:
            if mail is not None:
                key = f"shop:mailbox:{mail['to']}"
                transaction.rpush(key, json.dumps(mail))
                transaction.expire(key, MAILBOX_SECONDS)
            transaction.xack(STREAM, GROUP, entry_id)
            await transaction.execute()

    async def _bury(self, entry_id: str, fields: Mapping[str, str], reason: str) -> None:
        async with self._redis.pipeline(transaction=True) as transaction:
            buried: dict[Any, Any] = {**fields, "reason": reason, "entry": entry_id}
            transaction.xadd(DEAD, buried, maxlen=KEPT_EVENTS, approximate=True)
            transaction.xack(STREAM, GROUP, entry_id)
            await transaction.execute()


def _mail(fields: Mapping[str, str]) -> dict[str, str] | None:
    """The mail that an event asks for, ``None`` when nobody needs to be told.

    Raises ValueError for an event of an unknown kind, or one whose fields do not make a mail.
    """
    event = fields.get("event", "")
    if event in QUIET_EVENTS:
        return None
    if event not in SUBJECTS:
        raise ValueError(f"unknown event {event!r}")
    if missing := [name for name in ("email", "order_id", "total", "currency") if not fields.get(name)]:
        raise ValueError(f"{event} without {', '.join(missing)}")
    amount = f"{int(fields['total']) / 100:.2f} {fields['currency']}"
    subject = SUBJECTS[event].format(order_id=fields["order_id"])
    told = {"to": fields["email"], "subject": subject, "body": f"{subject}. The total is {amount}."}
    return told | {"event": event, "order_id": fields["order_id"], "sent_at": datetime.now(UTC).isoformat()}


def _mailbox_key(request: web.Request) -> str:
    address = request.query.get("to", "")
    if not address:
        raise ShopError(400, "address_missing", "say whose mail: /mailbox?to=ADDRESS", "to")
    return f"shop:mailbox:{address}"


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[None]:
    """Consume events and serve the mailbox at ``SHOP_NOTIFIER_URL`` until the context ends."""
    notifier = Notifier(service)
    await notifier.join_group()
    operations = {
        "mailbox": ("GET", "/mailbox", notifier.mailbox),
        "empty-mailbox": ("DELETE", "/mailbox", notifier.empty_mailbox),
    }
    # In one group: a notifier that consumes nothing must not look alive, so it ends with its consumer.
    async with asyncio.TaskGroup() as group, serving_http(service, operations, {}):
        consuming = group.create_task(notifier.consume())
        yield
        consuming.cancel()
