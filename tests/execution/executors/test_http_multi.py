"""Transfers of libcurl by our own epoll: connections used again, closed, cut off, and numbers of sockets taken anew."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import pycurl
import pytest
import uvloop

from apps.execution.executors import http_multi
from apps.execution.executors.http_multi import Transfers, open_multi

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%b\r\nok"
Work = Callable[[http_multi.Multi], Coroutine[Any, Any, None]]
Run = Callable[[Work], None]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[str]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


def answering(more: bytes = b"", *, times: int = 1_000_000, then: float = 0.0) -> Serve:
    """A server that answers *times* requests of a connection and closes it *then* seconds later."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            for _ in range(times):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(ANSWER % more)
            await asyncio.sleep(then)
        writer.close()

    return serve


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        await reader.read()
    writer.close()


def handle(url: str, **options: Any) -> tuple[pycurl.Curl, list[bytes]]:
    curl, parts = pycurl.Curl(), list[bytes]()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.WRITEFUNCTION, parts.append)
    for name, value in options.items():
        curl.setopt(getattr(pycurl, name), value)
    return curl, parts


async def fetch(multi: http_multi.Multi, url: str, **options: Any) -> tuple[bytes, int]:
    """The body, and how many connections were made for it."""
    curl, parts = handle(url, **options)
    await multi.perform(curl)
    return b"".join(parts), int(curl.getinfo(pycurl.NUM_CONNECTS))


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """``run(work)`` calls *work* on a loop, with transfers that are closed afterwards."""

    def run(work: Work) -> None:
        async def main() -> None:
            multi = open_multi(64)
            try:
                await asyncio.wait_for(work(multi), 30)
            finally:
                await multi.aclose()

        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(main())

    return run


def test_a_connection_is_used_again_also_for_many_at_once(run: Run) -> None:
    async def work(multi: http_multi.Multi) -> None:
        async with listening(answering()) as url:
            assert await fetch(multi, url) == (b"ok", 1)
            assert await fetch(multi, url) == (b"ok", 0)
            many = await asyncio.gather(*(fetch(multi, url) for _ in range(200)))
            assert {body for body, _ in many} == {b"ok"}
            assert await fetch(multi, url) == (b"ok", 0)

    run(work)


def test_an_idle_connection_that_the_other_side_closes_is_let_go(run: Run) -> None:
    async def work(multi: http_multi.Multi) -> None:
        assert isinstance(multi, Transfers)
        async with listening(answering(times=1, then=0.05)) as url:
            for _ in range(3):
                assert await fetch(multi, url) == (b"ok", 1)
                await asyncio.sleep(0.2)
                assert multi._epoll.poll(0) == [], "the loop would be woken for ever"

    run(work)


def test_a_socket_by_the_number_of_a_closed_one_is_heard(run: Run) -> None:
    async def work(multi: http_multi.Multi) -> None:
        async with (
            listening(answering(b"Connection: close\r\n", times=1)) as closing,
            listening(answering()) as url,
        ):
            for _ in range(20):
                assert await fetch(multi, closing) == (b"ok", 1)
                assert (await fetch(multi, url, FRESH_CONNECT=1, FORBID_REUSE=1)) == (b"ok", 1)

    run(work)


def test_a_time_limit_holds_while_others_go_on(run: Run) -> None:
    async def work(multi: http_multi.Multi) -> None:
        async with listening(silent) as mute, listening(answering()) as url:
            late = asyncio.ensure_future(fetch(multi, mute, TIMEOUT_MS=300))
            for _ in range(50):
                await fetch(multi, url, TIMEOUT_MS=60_000)
            with pytest.raises(pycurl.error) as caught:
                await late
            assert caught.value.args[0] == pycurl.E_OPERATION_TIMEDOUT

    run(work)


def test_nobody_listens(run: Run) -> None:
    async def work(multi: http_multi.Multi) -> None:
        async with listening(answering()) as url:
            pass
        with pytest.raises(pycurl.error) as caught:
            await fetch(multi, url)
        assert caught.value.args[0] == pycurl.E_COULDNT_CONNECT

    run(work)


def test_what_is_cancelled_ends_and_takes_nothing_with_it(run: Run) -> None:
    async def work(multi: http_multi.Multi) -> None:
        async with listening(silent) as mute, listening(answering()) as url:
            waiting = [asyncio.ensure_future(fetch(multi, mute)) for _ in range(3)]
            await asyncio.sleep(0.05)
            waiting[0].cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting[0]
            assert await fetch(multi, url) == (b"ok", 1)
            closing = Transfers()
            left = asyncio.ensure_future(fetch(closing, mute))
            await asyncio.sleep(0.05)
            await closing.aclose()
            with pytest.raises(asyncio.CancelledError):
                await left
            for one in waiting[1:]:
                one.cancel()

    run(work)


def test_an_upload_larger_than_the_buffers_of_the_sockets_arrives_whole(run: Run) -> None:
    size = 8_000_000

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.1)
        got = len(await reader.readexactly(size))
        text = str(got).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))
        writer.close()

    async def work(multi: http_multi.Multi) -> None:
        async with listening(slow) as url:
            body, _ = await fetch(multi, url, POST=1, POSTFIELDS=b"x" * size, HTTPHEADER=["Expect:"])
            assert body == str(size).encode()

    run(work)


def test_where_there_is_no_epoll_the_librarys_own_driver_serves(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("select.epoll")

    async def work(multi: http_multi.Multi) -> None:
        assert isinstance(multi, pycurl.AsyncCurlMulti)
        async with listening(answering()) as url:
            assert await fetch(multi, url) == (b"ok", 1)

    run(work)
