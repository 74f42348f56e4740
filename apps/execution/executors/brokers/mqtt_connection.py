"""A connection to an MQTT broker over a checked address; paho's thread does its work and tells the event loop."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from paho.mqtt.client import Client, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from apps.execution.engine.settings import EngineSettings
from apps.execution.executors.base import StepBlocked
from apps.execution.executors.brokers.base import BrokerError
from apps.execution.executors.tls import context_for_name
from apps.execution.executors.urls import without_password

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_VERSIONS = {"5": MQTTv5, "3.1.1": MQTTv311}
_CONNECTING = 5.0  # seconds that one address is tried
_SESSION_SECONDS = 3600  # a session that nobody comes back to ends by itself
_REFUSED = 0x80  # reasons from here on are errors


@dataclass(frozen=True, slots=True)
class Address:
    """What a URL says."""

    url: str
    host: str
    port: int
    user: str | None
    password: str | None
    tls: bool
    version: MQTTProtocolVersion

    @classmethod
    def of(cls, url: str) -> "Address":
        """Raises ``StepBlocked``."""
        try:
            parts = urlsplit(url)
            port, given = parts.port or _PORTS[parts.scheme], dict(parse_qsl(parts.query, True))
        except (ValueError, KeyError) as error:
            raise StepBlocked(f"the broker's URL cannot be used: {error}") from None
        if not parts.hostname or parts.path not in ("", "/"):
            raise StepBlocked("the broker's URL cannot be used: it must be mqtt://user:password@host:port")
        version = _VERSIONS.get(given.pop("version", "5"))
        if given or version is None:
            raise StepBlocked("the broker's URL cannot be used: its only parameter is version, 5 or 3.1.1")
        user = unquote(parts.username) if parts.username is not None else None
        password = unquote(parts.password) if parts.password is not None else None
        return cls(url, parts.hostname, port, user, password, parts.scheme == "mqtts", version)


class MqttConnection:
    """One connection, of the client *name*. With *lasting* the broker keeps its session when it is gone, and goes on
    with one that it has. *arrived* is called on the event loop for each message."""

    def __init__(
        self,
        address: Address,
        name: str,
        *,
        lasting: bool = False,
        arrived: Callable[[MQTTMessage], None] | None = None,
        lost: Callable[[], None] | None = None,
    ) -> None:
        self._address = address
        self._lasting = lasting
        self._arrived = arrived
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._answers: dict[tuple[str, int], asyncio.Future[Any]] = {}
        self._sending = asyncio.Lock()
        self.is_open = False
        self.is_v5 = address.version == MQTTv5
        clean = None if self.is_v5 else not lasting
        self._client = Client(
            CallbackAPIVersion.VERSION2, name, clean, protocol=address.version, reconnect_on_failure=False
        )
        self._client.connect_timeout = _CONNECTING
        self._client.on_connect = lambda _client, _data, flags, reason, _more: self._tell(
            "connect", 0, (flags.session_present, reason)
        )
        self._client.on_subscribe = lambda _client, _data, number, reasons, _more: self._tell(
            "subscribe", number, reasons
        )
        self._client.on_publish = lambda _client, _data, number, reason, _more: self._tell("publish", number, reason)
        self._client.on_message = lambda _client, _data, message: self._call(self._take, message)
        self._client.on_disconnect = lambda _client, _data, _flags, reason, _more: self._call(self._gone, reason)

    async def open(self, ca: str, settings: EngineSettings, *, clean: bool) -> bool:
        """Connect; returns whether the broker still has the session. Raises ``BrokerError`` or ``EgressDenied``."""
        address = self._address
        if address.tls:
            context = context_for_name(address.host, verify=True, ca=ca, ca_file=settings.ca_file)
            self._client.tls_set_context(context)
        if address.user is not None:
            self._client.username_pw_set(address.user, address.password)
        try:
            places = await settings.egress.resolve(address.host, address.port)
            for place in places:
                try:
                    await asyncio.to_thread(self._connect, place, clean)
                    break
                except OSError:
                    if place == places[-1]:
                        raise
        except OSError as error:
            raise BrokerError(self._failure(error)) from None
        self._client.loop_start()
        present, reason = await self._answer("connect", 0)
        if reason.is_failure:
            await self.close()
            raise BrokerError(f"the broker at {self.shown} refused the login: {reason}")
        self.is_open = True
        return bool(present)

    def _connect(self, place: str, clean: bool) -> None:
        if not self.is_v5:
            self._client.connect(place, self._address.port)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = _SESSION_SECONDS if self._lasting else 0
        self._client.connect(place, self._address.port, clean_start=clean, properties=properties)

    async def subscribe(self, topic: str, qos: int) -> None:
        """Have messages of *topic* sent. Raises ``BrokerError`` or ``StepBlocked``."""
        try:
            options = SubscribeOptions(qos) if self.is_v5 else None
            code, number = self._client.subscribe(topic, 0 if options else qos, options)
        except ValueError:
            raise StepBlocked(f"with.from: “{topic}” is no topic, nor a pattern of topics") from None
        self._is_sent(code)
        reasons = await self._answer("subscribe", number or 0)
        if reasons[0].is_failure:
            raise BrokerError(f"the broker refused to send “{topic}”: {reasons[0]}")

    async def publish(self, topic: str, body: bytes, qos: int, retain: bool, properties: Properties | None) -> Any:
        """Send, and wait until the broker says that it has it (not for QoS 0); returns the reason it gives."""
        try:
            info = self._client.publish(topic, body, qos, retain, properties)
        except ValueError as error:
            raise StepBlocked(f"with.to: “{topic}” is no topic to publish to: {error}") from None
        self._is_sent(info.rc)
        reason = await self._answer("publish", info.mid)
        if reason.value >= _REFUSED:
            raise BrokerError(f"the broker refused the message: {reason}")
        return reason

    def _is_sent(self, code: MQTTErrorCode) -> None:
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerError(f"the connection to the broker at {self.shown} was lost")

    async def _answer(self, what: str, number: int) -> Any:
        """The broker's answer. It may have come already: the thread runs beside us."""
        waiting = self._answers.setdefault((what, number), self._loop.create_future())
        try:
            return await waiting
        finally:
            self._answers.pop((what, number), None)

    def _tell(self, what: str, number: int, value: Any) -> None:
        self._call(self._note, what, number, value)

    def _call(self, work: Callable[..., None], *given: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(work, *given)

    def _note(self, what: str, number: int, value: Any) -> None:
        waiting = self._answers.setdefault((what, number), self._loop.create_future())
        if not waiting.done():
            waiting.set_result(value)

    def _take(self, message: MQTTMessage) -> None:
        if self._arrived is not None:
            self._arrived(message)

    def _gone(self, reason: Any) -> None:
        self.is_open = False
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(BrokerError(f"the connection to the broker at {self.shown} was lost: {reason}"))
        if self._lost is not None:
            self._lost()

    @property
    def shown(self) -> str:
        """The address for people."""
        return without_password(self._address.url)

    def _failure(self, error: Exception) -> str:
        return f"no connection to {self.shown}: {' '.join(str(error).split()) or type(error).__name__}"

    async def close(self, *, for_good: bool = False) -> None:
        """Disconnect; *for_good* ends a lasting session."""
        self._lost = None
        properties = None
        if self.is_v5 and for_good:
            properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 0
        self._client.disconnect(properties=properties)
        await asyncio.to_thread(self._client.loop_stop)
        self.is_open = False
