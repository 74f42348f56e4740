"""libcurl under asyncio with one epoll of its own.

pycurl's ``AsyncCurlMulti`` gives each socket to the loop when a transfer begins and takes it back when it ends, though
the next transfer uses the same connection: a third of what a request costs. Here a socket stays in an epoll of ours,
of which the loop watches nothing but its own descriptor.
"""

import asyncio
import select
from contextlib import suppress
from math import inf
from typing import TypeAlias

import pycurl


class Transfers:
    """Performs transfers on the loop that runs when it is made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self.setopt = self._multi.setopt
        self._epoll = select.epoll()
        self._loop.add_reader(self._epoll.fileno(), self._ready)
        self._waited_for: set[int] = set()  # sockets of which libcurl wants to hear; others in the epoll are idle
        self._futures: dict[pycurl.Curl, asyncio.Future[None]] = {}
        self._due = inf  # loop time at which libcurl wants to be called
        self._timer: asyncio.Handle | None = None
        self._fires_at = inf  # when it is due, or earlier

    async def perform(self, curl: pycurl.Curl) -> None:
        """Carry out the transfer of *curl*. Raises ``pycurl.error`` where it fails."""
        self._multi.add_handle(curl)
        future = self._futures[curl] = self._loop.create_future()
        try:
            await future
        finally:
            if self._futures.pop(curl, None) is not None:  # cancelled
                self._multi.remove_handle(curl)

    async def aclose(self) -> None:
        """End every transfer and close every connection."""
        self._loop.remove_reader(self._epoll.fileno())
        for curl, future in list(self._futures.items()):
            del self._futures[curl]
            self._multi.remove_handle(curl)
            future.cancel()
        self._multi.close()
        self._epoll.close()
        if self._timer is not None:
            self._timer.cancel()

    def _watch(self, what: int, fd: int, _multi: object, _data: object) -> None:
        """libcurl wants to hear of *fd*, or no more. In the latter case it mostly will again: it stays in the epoll."""
        if what in (pycurl.POLL_REMOVE, pycurl.POLL_NONE):
            self._waited_for.discard(fd)
            return
        self._waited_for.add(fd)
        events = (select.EPOLLIN if what & pycurl.POLL_IN else 0) | (select.EPOLLOUT if what & pycurl.POLL_OUT else 0)
        try:
            self._epoll.modify(fd, events)
        except FileNotFoundError:  # new, or another socket by the number of one that was closed
            self._epoll.register(fd, events)

    def _ready(self) -> None:
        for fd, events in self._epoll.poll(0):
            if fd in self._waited_for:
                read = pycurl.CSELECT_IN if events & ~select.EPOLLOUT else 0
                write = pycurl.CSELECT_OUT if events & ~select.EPOLLIN else 0
                self._act(fd, read | write)
            else:  # the other side closed an idle connection
                with suppress(OSError):
                    self._epoll.unregister(fd)
        self._settle()

    def _set_timer(self, milliseconds: int) -> None:
        """libcurl wants to be called then; -1 is never. Most transfers end before: a timer is left to fire in vain."""
        if milliseconds < 0:
            self._due = inf
            return
        self._due = self._loop.time() + milliseconds / 1000
        if self._due < self._fires_at:
            self._schedule()

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._fires_at = self._loop.call_at(self._due, self._fire), self._due

    def _fire(self) -> None:
        self._timer, self._fires_at = None, inf
        if self._due > self._loop.time():
            if self._due < inf:
                self._schedule()
            return
        self._due = inf
        self._act(pycurl.SOCKET_TIMEOUT, 0)
        self._settle()

    def _act(self, fd: int, events: int) -> None:
        try:
            self._multi.socket_action(fd, events)
        except pycurl.error as error:  # of all transfers, not of one
            for curl in list(self._futures):
                self._end(curl, error)

    def _settle(self) -> None:
        """Tell of the transfers that have ended."""
        _, succeeded, failed = self._multi.info_read()
        for curl in succeeded:
            self._end(curl, None)
        for curl, code, message in failed:
            self._end(curl, pycurl.error(code, message))

    def _end(self, curl: pycurl.Curl, error: pycurl.error | None) -> None:
        future = self._futures.pop(curl)
        self._multi.remove_handle(curl)
        if future.done():  # cancelled, which its task has not heard of yet
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


Multi: TypeAlias = Transfers | pycurl.AsyncCurlMulti


def open_multi(connections: int) -> Multi:
    """What performs transfers on the running loop and keeps so many connections open: ours where there is epoll."""
    multi = Transfers() if hasattr(select, "epoll") else pycurl.AsyncCurlMulti()
    multi.setopt(pycurl.M_MAXCONNECTS, connections)
    return multi
