"""What tests of these pages share: where a page is, and what it costs."""

from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User

SignIn = Callable[[User], Client]


def at(name: str, *slugs: str) -> str:
    """Address of a page of the system “shop”."""
    return reverse(f"environments:{name}", args=["shop", *slugs])


def queries(client: Client, url: str) -> int:
    """How many queries the page takes."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)
