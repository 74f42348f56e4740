"""What holds for the sessions of every database."""

import asyncio

import pytest

from apps.execution.executors.databases import pool


class Line:
    """What a driver would give: knows whether it was closed."""

    def __init__(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False


class Session(pool.Session):
    @property
    def is_usable(self) -> bool:
        return bool(self.raw.is_open)


class Pool(pool.Pool[Session]):
    def __init__(self, size: int = 2) -> None:
        super().__init__(size)
        self.opened: list[Session] = []
        self.ended: list[Session] = []

    async def open(self) -> Session:
        self.opened.append(Session(Line()))
        return self.opened[-1]

    async def end(self, session: Session) -> None:
        await asyncio.sleep(0)
        session.close()
        self.ended.append(session)

    async def used(self) -> Session:
        async with self.session() as (session, _opening):
            return session


def test_a_session_is_used_again_until_it_is_closed_old_or_unclean(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        sessions = Pool()
        first = await sessions.used()
        assert await sessions.used() is first
        first.raw.close()  # as the server did
        second = await sessions.used()
        assert second is not first
        async with sessions.session() as (session, opening):
            assert (session, opening) == (second, 0.0)
            session.is_clean = False
        third = await sessions.used()
        assert third is not second
        assert not second.raw.is_open
        monkeypatch.setattr(pool, "_IDLE_SECONDS", 0.0)
        assert await sessions.used() is not third
        assert not third.raw.is_open
        await sessions.aclose()
        assert not any(session.raw.is_open for session in sessions.opened)

    asyncio.run(main())


def test_what_still_runs_is_ended_before_the_pool_is_closed() -> None:
    async def main() -> None:
        sessions = Pool()
        with pytest.raises(ValueError, match="too late"):
            async with sessions.session() as (session, _opening):
                session.is_done = False
                raise ValueError("too late")
        assert not sessions.ended
        await sessions.aclose()
        assert sessions.ended == sessions.opened

    asyncio.run(main())


def test_a_server_that_does_not_end_it_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Deaf(Pool):
        async def end(self, session: Session) -> None:
            await asyncio.Event().wait()

    async def main() -> None:
        sessions = Deaf()
        async with sessions.session() as (session, _opening):
            session.is_done = False
        await sessions.aclose()

    monkeypatch.setattr(pool, "_END_SECONDS", 0.01)
    asyncio.run(main())


def test_no_more_are_open_at_once_than_there_may_be() -> None:
    async def main() -> None:
        sessions = Pool(size=2)

        async def hold() -> None:
            async with sessions.session():
                await asyncio.sleep(0)

        await asyncio.gather(*(hold() for _ in range(9)))
        assert len(sessions.opened) == 2

    asyncio.run(main())
