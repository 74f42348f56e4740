"""News on their way to pages."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from django.utils.translation import gettext_lazy

from apps.core import live


def test_news_that_are_no_plain_values_are_told_as_text() -> None:
    at = datetime(2026, 3, 7, 20, 46, tzinfo=UTC)
    data: dict[Any, Any] = {"name": gettext_lazy("Name"), "total": Decimal("1.50"), "who": {"ann"}, "at": at, 7: "n"}

    live.publish_all([("test:plain", "told", data), ("test:plain", "again", {"n": 1})])

    told, again = live._client().xrange(live._key("test:plain"))[-2:]
    found = orjson.loads(told[1][b"data"])
    assert found == {
        "name": "Name", "total": "1.50", "who": "{'ann'}", "at": "2026-03-07T20:46:00+00:00", "7": "n"
    }  # fmt: skip
    assert orjson.loads(again[1][b"data"]) == {"n": 1}
