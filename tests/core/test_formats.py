"""How dates are written in each language."""

from datetime import UTC, datetime

import pytest
from django.utils import formats, translation

MOMENT = datetime(2026, 3, 7, 20, 46, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "name", "text"),
    [
        ("en", "SHORT_DATETIME_FORMAT", "7 Mar 2026, 20:46"),
        ("en", "DATETIME_FORMAT", "7 Mar 2026, 20:46"),
        ("en", "DATE_FORMAT", "7 Mar 2026"),
        ("en", "MONTH_DAY_FORMAT", "7 Mar"),
        ("es", "SHORT_DATETIME_FORMAT", "07/03/2026 20:46"),
        ("es", "MONTH_DAY_FORMAT", "7 de marzo"),
    ],
)
def test_a_date_cannot_be_taken_for_another(language: str, name: str, text: str) -> None:
    with translation.override(language):
        assert formats.date_format(MOMENT, name) == text
