"""A live stream stays open for hours: who may not read any more is noticed while it is open."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from apps.accounts.models import Membership, User
from apps.core import live
from apps.systems.access import still_may_enter
from apps.systems.models import System

pytestmark = pytest.mark.django_db(transaction=True)


def _leave(client: Client, user: User) -> None:
    Membership.objects.filter(user=user).delete()


def _change_password(client: Client, user: User) -> None:
    user.set_password("another good password")
    user.save()


def _sign_out(client: Client, user: User) -> None:
    client.post("/sign-out/")


def _be_deactivated(client: Client, user: User) -> None:
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("end", [_leave, _change_password, _sign_out, _be_deactivated])
def test_who_may_not_enter_any_more_is_noticed(
    end: Callable[[Client, User], None], sign_in: Callable[[User], Client], viewer: User, system: System
) -> None:
    client = sign_in(viewer)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    ask = async_to_sync(still_may_enter)
    assert ask(key, system.pk)
    assert not ask(key, system.pk + 1)
    assert not ask("no-such-session", system.pk)

    end(client, viewer)

    assert not ask(key, system.pk)


def test_the_stream_of_such_a_reader_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "RECHECK", 0)
    live.publish("run:0", "told", {"secret": 1})
    answers = iter([True, False])

    async def may_read() -> bool:
        return next(answers)

    async def read() -> list[bytes]:
        found: list[Any] = []
        async for part in live.stream("run:0", "0-0", may_read):
            found.append(part)
            if b"told" in part:
                live.publish("run:0", "withheld", {})
        return found

    parts = asyncio.run(read())

    assert any(b"event: told" in part for part in parts)
    assert not any(b"withheld" in part for part in parts)
