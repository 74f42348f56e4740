"""``payments`` (HTTP): behaves like a third party. API key, idempotency key, signed webhook back.

It keeps its charges in memory, as a black box may. 1.0 answers with ``status``; 2.0 renames that field
to ``state`` in its answers and webhooks, so that callers of 1.0 break.
"""

import asyncio
import hmac
import json
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from examples.shop import telemetry
from examples.shop.addresses import required
from examples.shop.control import FaultKind
from examples.shop.errors import ShopError, count_of, text_of
from examples.shop.payment_signature import sign
from examples.shop.process import Service
from examples.shop.web import json_object, serving_http

CARDS = ("tok_visa", "tok_mastercard", "tok_declined")
KEPT_CHARGES = 20_000
WEBHOOK_TRIES = 3
WEBHOOK_PAUSE_SECONDS = 0.5


@dataclass
class Charge:
    """Money taken from a card. *asked* is the request, to tell a replay from a misuse of its key."""

    amount: int
    currency: str
    reference: str
    asked: dict[str, Any]
    status: str = "succeeded"
    id: str = field(default_factory=lambda: f"ch_{uuid.uuid4().hex[:20]}")

    def as_json(self, version: str) -> dict[str, Any]:
        """The charge in the words of API *version*."""
        status_field = "state" if version == "2.0" else "status"
        shown = {"id": self.id, "amount": self.amount, "currency": self.currency}
        return shown | {"reference": self.reference, status_field: self.status}


class Payments:
    """The operations of the payment provider."""

    def __init__(self, service: Service, session: aiohttp.ClientSession, api_key: str) -> None:
        self._service = service
        self._session = session
        self._api_key = api_key
        self._by_key: OrderedDict[str, Charge] = OrderedDict()
        self._by_id: dict[str, Charge] = {}
        self.webhooks: set[asyncio.Task[None]] = set()

    async def create_charge(self, request: web.Request) -> web.Response:
        """Take the money once per ``Idempotency-Key``; tell the webhook afterwards."""
        self._authenticate(request)
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            raise ShopError(400, "idempotency_key_missing", "the header Idempotency-Key is needed")
        body = await json_object(request)
        version = (await self._service.control.read()).version
        if earlier := self._by_key.get(key):
            if earlier.asked != body:
                raise ShopError(409, "idempotency_key_reused", "this key was used for another charge")
            return web.json_response(earlier.as_json(version), headers={"Idempotent-Replayed": "true"})
        charge = self._charged(body)
        self._keep(key, charge)
        if webhook_url := body.get("webhook_url"):
            task = asyncio.create_task(self._send_webhook(str(webhook_url), charge))
            self.webhooks.add(task)
            task.add_done_callback(self.webhooks.discard)
        return web.json_response(charge.as_json(version), status=201)

    async def get_charge(self, request: web.Request) -> web.Response:
        """One charge by its id."""
        self._authenticate(request)
        version = (await self._service.control.read()).version
        return web.json_response(self._found(request).as_json(version))

    async def refund_charge(self, request: web.Request) -> web.Response:
        """Give the money back; a second refund changes nothing."""
        self._authenticate(request)
        charge = self._found(request)
        charge.status = "refunded"
        return web.json_response(charge.as_json((await self._service.control.read()).version))

    def _authenticate(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._api_key.encode()):
            raise ShopError(401, "invalid_api_key", "the API key is missing or wrong")

    def _charged(self, body: dict[str, Any]) -> Charge:
        card = text_of(body, "card")
        if card not in CARDS:
            raise ShopError(422, "invalid_field", f"card must be one of {', '.join(CARDS)}", "card")
        charge = Charge(count_of(body, "amount"), text_of(body, "currency"), text_of(body, "reference"), body)
        if card == "tok_declined":
            raise ShopError(402, "card_declined", "the card was declined")
        return charge

    def _keep(self, key: str, charge: Charge) -> None:
        self._by_key[key] = self._by_id[charge.id] = charge
        if len(self._by_key) > KEPT_CHARGES:
            _, oldest = self._by_key.popitem(last=False)
            del self._by_id[oldest.id]

    def _found(self, request: web.Request) -> Charge:
        charge = self._by_id.get(request.match_info["charge_id"])
        if charge is None:
            raise ShopError(404, "unknown_charge", f"no charge {request.match_info['charge_id']}")
        return charge

    async def _send_webhook(self, url: str, charge: Charge) -> None:
        switches = await self._service.control.read()
        fault = switches.faults.get("send-webhook")
        kind = fault.kind if fault else None
        if kind is FaultKind.LOST:
            self._service.log.warning("webhook lost", charge=charge.id)
            return
        if fault is not None and kind is FaultKind.DELAY:
            await asyncio.sleep(fault.seconds)
        body = json.dumps({"type": "charge.succeeded", "data": charge.as_json(switches.version)}).encode()
        if kind is FaultKind.MALFORMED:
            body = body[: len(body) // 2]
        signature = "0" * 64 if kind is FaultKind.ERROR else sign(self._api_key, body)
        await self._deliver(url, body, signature)

    async def _deliver(self, url: str, body: bytes, signature: str) -> None:
        headers = {"Content-Type": "application/json", "Payment-Signature": signature}
        attributes = {"http.request.method": "POST", "url.full": url, "peer.service": "orders"}
        for attempt in range(1, WEBHOOK_TRIES + 1):
            with telemetry.client_span("POST webhook", headers, attributes) as span:
                try:
                    async with self._session.post(url, data=body, headers=headers) as response:
                        status = response.status
                except (TimeoutError, aiohttp.ClientError, OSError):
                    status = 0
                span.set_attribute("http.response.status_code", status)
                if 200 <= status < 300:
                    return
                telemetry.failed(span, f"status {status}")
            self._service.log.warning("webhook refused", url=url, status=status, attempt=attempt)
            await asyncio.sleep(WEBHOOK_PAUSE_SECONDS * attempt)


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[None]:
    """Serve HTTP at ``SHOP_PAYMENTS_URL`` until the context ends."""
    timeout = aiohttp.ClientTimeout(total=3)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        payments = Payments(service, session, required("SHOP_PAYMENTS_API_KEY"))
        operations = {
            "create-charge": ("POST", "/v1/charges", payments.create_charge),
            "get-charge": ("GET", "/v1/charges/{charge_id}", payments.get_charge),
            "refund-charge": ("POST", "/v1/charges/{charge_id}/refund", payments.refund_charge),
        }
        async with serving_http(service, operations, {}):
            yield
        for task in payments.webhooks:
            task.cancel()
