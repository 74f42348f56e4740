"""MQTT 5 and 3.1.1.

A broker keeps no history, so a mark is a session of its own that listens from then on: its messages are kept here, and
by the broker while nobody of us is connected.
"""

import asyncio
import base64
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from apps.execution.engine.settings import MEBIBYTE, EngineSettings
from apps.execution.executors.base import StepBlocked
from apps.execution.executors.brokers.base import NOW, START, BrokerError, Mark, Message, Outgoing, Source
from apps.execution.executors.brokers.mqtt_connection import Address, MqttConnection
from apps.execution.executors.json_values import to_json

_MOST, _LARGEST = 10_000, 64 * MEBIBYTE  # messages and bytes that one session collects
_CARRIED = MEBIBYTE  # bytes of them that go on when the case waits for a person
_NOBODY = 0x10  # the broker has the message, but nobody wants it
_QOS = (0, 1, 2)
# Names of a message's properties, and what MQTT calls them.
_PROPERTIES = {
    "content_type": "ContentType",
    "response_topic": "ResponseTopic",
    "correlation_data": "CorrelationData",
    "message_expiry_interval": "MessageExpiryInterval",
}


class Mqtt:
    """Topics of one broker."""

    schemes: ClassVar[tuple[str, ...]] = ("mqtt", "mqtts")
    publishes: ClassVar[frozenset[str]] = frozenset({"qos", "retain", "properties", "mandatory"})
    receives: ClassVar[frozenset[str]] = frozenset({"qos"})
    trace_header: ClassVar[str] = "traceparent"

    def __init__(self, url: str, ca: str, settings: EngineSettings) -> None:
        self._address = Address.of(url)
        self._ca = ca
        self._settings = settings
        self._publisher: MqttConnection | None = None
        self._opening = asyncio.Lock()
        self._listeners: dict[str, _Listener] = {}

    async def publish(self, message: Outgoing) -> str:
        """Send it, and wait for the broker's word; of QoS 0 there is none."""
        options = message.options
        qos = _qos(options, 1)
        async with self._opening:
            if self._publisher is None or not self._publisher.is_open:
                opened = MqttConnection(self._address, _name())
                await opened.open(self._ca, self._settings, clean=True)
                self._publisher = opened
        publisher = self._publisher
        properties = _properties(message, publisher.is_v5)
        retain = bool(options.get("retain"))
        reason = await publisher.publish(message.to, message.body, qos, retain, properties)
        if options.get("mandatory") and reason.value == _NOBODY:
            raise BrokerError("nobody has subscribed to it")
        return ""

    async def mark(self, source: Source, since: str) -> Mark:
        """Begin to listen. ``start`` takes what the broker has retained, too."""
        if since not in (NOW, START):
            raise StepBlocked(f"with.since: an MQTT broker keeps no history, so “{since}” cannot be read")
        mark = {"session": _name(), "retained": since == START}
        listener = _Listener(retained=since == START)
        await self._listen(mark["session"], listener, is_new=True)
        try:
            await listener.opened.subscribe(source.name, _qos(source.options, 2))
        except BaseException:
            await listener.opened.close(for_good=True)
            raise
        self._listeners[str(mark["session"])] = listener
        return mark

    async def _listen(self, session: Any, listener: "_Listener", *, is_new: bool) -> None:
        connection = MqttConnection(
            self._address, str(session), lasting=True, arrived=listener.arrived, lost=listener.lost
        )
        listener.connection = connection
        # Never by a clean start, also when it is new: Mosquitto does not write down sessions that began so.
        present = await connection.open(self._ca, self._settings, clean=False)
        if not is_new and not present:
            await connection.close(for_good=True)
            raise BrokerError("the broker has given up what listened here: messages may be lost")

    @asynccontextmanager
    async def read(self, source: Source, mark: Mark) -> AsyncIterator["_Reading"]:
        """What has come since, and what comes; goes on with the session where another process had it."""
        session = str(mark["session"])
        listener = self._listeners.get(session)
        if listener is None:
            listener = _Listener(retained=bool(mark.get("retained")), kept=mark)
            self._listeners[session] = listener
        if listener.connection is None or not listener.connection.is_open:
            await self._listen(session, listener, is_new=False)
        yield _Reading(listener)

    async def pause(self, mark: Mark) -> Mark:
        """Leave the session to the broker; what came so far goes along in the mark."""
        listener = self._listeners.pop(str(mark["session"]), None)
        if listener is None:
            return mark
        if listener.connection is not None:
            await listener.connection.close()
        return {**mark, **listener.carried()}

    async def forget(self, mark: Mark) -> None:
        """End the session."""
        listener = self._listeners.pop(str(mark["session"]), None)
        if listener is not None and listener.opened.is_open and listener.opened.is_v5:
            await listener.opened.close(for_good=True)
            return
        if listener is not None:
            await listener.opened.close()
        clean = MqttConnection(self._address, str(mark["session"]))
        await clean.open(self._ca, self._settings, clean=True)
        await clean.close(for_good=True)

    async def aclose(self) -> None:
        """Close every connection; sessions that a case still needs stay with the broker."""
        listeners, self._listeners = list(self._listeners.values()), {}
        for listener in listeners:
            await listener.opened.close()
        if self._publisher is not None:
            await self._publisher.close()
            self._publisher = None


class _Listener:
    """What came to one session."""

    def __init__(self, *, retained: bool, kept: Mark | None = None) -> None:
        carried = (kept or {}).get("kept", ())
        self.messages = [_restored(told) for told in carried]
        self.full = bool((kept or {}).get("full"))
        self._places = {told["packet"]: place for place, told in enumerate(carried)}  # packet id → its last message
        self.connection: MqttConnection | None = None
        self.news = asyncio.Event()
        self._retained = retained
        self._size = 0

    @property
    def opened(self) -> MqttConnection:
        """The connection. Raises ``BrokerError`` when there never was one."""
        if self.connection is None:
            raise BrokerError("nothing listens at the broker")
        return self.connection

    def arrived(self, message: MQTTMessage) -> None:
        """Keep *message*, while there is room; what the broker had kept is no news unless it is asked for."""
        if (message.retain and not self._retained) or self._is_here(message):
            return
        self._size += len(message.payload)
        self.full = self.full or len(self.messages) >= _MOST or self._size > _LARGEST
        if not self.full:
            self._places[message.mid] = len(self.messages)
            self.messages.append(_message(message))
        self.news.set()

    def _is_here(self, message: MQTTMessage) -> bool:
        """Whether the broker sends *message* once more, as the connection ended before it heard of its arrival."""
        place = self._places.get(message.mid) if message.dup else None
        known = self.messages[place] if place is not None else None
        return known is not None and (known.extra["topic"], known.body) == (message.topic, bytes(message.payload))

    def lost(self) -> None:
        """The connection is gone."""
        self.news.set()

    def carried(self) -> dict[str, Any]:
        """The messages as JSON, as many as may go along."""
        room, kept = _CARRIED, []
        packets = {place: packet for packet, place in self._places.items()}
        for place, message in enumerate(self.messages):
            room -= len(message.body)
            if room < 0:
                break
            body = base64.b64encode(message.body).decode()
            told = {"headers": message.headers, "body": body, "extra": message.extra}
            kept.append({**told, "packet": packets.get(place, 0)})
        return {"kept": kept, "full": self.full or len(kept) < len(self.messages)}


class _Reading:
    def __init__(self, listener: _Listener) -> None:
        self._listener = listener

    async def __aiter__(self) -> AsyncIterator[Message]:
        listener, seen = self._listener, 0
        while True:
            listener.news.clear()
            while seen < len(listener.messages):
                seen += 1
                yield listener.messages[seen - 1]
            if listener.full:
                raise BrokerError(f"more came than is kept: {seen} messages")
            if not listener.opened.is_open:
                raise BrokerError("the connection to the broker was lost")
            await listener.news.wait()

    async def take(self, messages: Sequence[Message]) -> None:
        """Nothing is taken away from a topic."""


def _name() -> str:
    return f"integhub-{uuid.uuid4().hex[:12]}"


def _qos(options: Mapping[str, Any], default: int) -> int:
    qos = options.get("qos", default)
    if qos not in _QOS:
        raise StepBlocked("with.qos is 0, 1 or 2")
    return int(qos)


def _properties(message: Outgoing, is_v5: bool) -> Properties | None:
    given: Mapping[str, Any] = message.options.get("properties") or {}
    unknown = sorted(set(given) - set(_PROPERTIES))
    if unknown:
        names = ", ".join(_PROPERTIES)
        raise StepBlocked(f"with.properties: there is no property “{unknown[0]}”; there are {names}")
    if not is_v5:
        if given or set(map(str.lower, message.headers)) - {Mqtt.trace_header}:
            raise StepBlocked("MQTT 3.1.1 has neither headers nor properties")
        return None
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = message.content_type
    properties.UserProperty = [
        (name, value if isinstance(value, str) else str(to_json(value))) for name, value in message.headers.items()
    ]
    for name, value in given.items():
        _set(properties, name, value)
    return properties


def _set(properties: Properties, name: str, value: Any) -> None:
    given: Any = str(value)
    if name == "correlation_data":
        given = given.encode()
    elif name == "message_expiry_interval":
        if not given.isdigit():
            raise StepBlocked("with.properties: “message_expiry_interval” is a whole number of seconds")
        given = int(given)
    setattr(properties, _PROPERTIES[name], given)


def _message(message: MQTTMessage) -> Message:
    properties = getattr(message, "properties", None)
    headers: dict[str, Any] = {}
    for name, value in getattr(properties, "UserProperty", ()):
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    told = {name: getattr(properties, known) for name, known in _PROPERTIES.items() if hasattr(properties, known)}
    extra = {"topic": message.topic, "qos": message.qos, "retained": message.retain, "properties": to_json(told)}
    return Message(id="", headers=headers, body=bytes(message.payload), extra=extra)


def _restored(told: Mapping[str, Any]) -> Message:
    return Message(id="", headers=told["headers"], body=base64.b64decode(told["body"]), extra=told["extra"])
