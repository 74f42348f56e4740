from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.core import uploads


@pytest.mark.django_db
def test_a_request_that_is_too_large_is_refused_before_its_files_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LARGEST", 1_000)
    monkeypatch.setattr(uploads.BoundedUpload, "receive_data_chunk", lambda *_: pytest.fail("it was read"))

    answer = Client().post("/language/", {"file": SimpleUploadedFile("large.bin", b"x" * 2_000)})

    assert answer.status_code == 413
    assert "too large" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("limit", "value"), [("DATA_UPLOAD_MAX_MEMORY_SIZE", 100), ("DATA_UPLOAD_MAX_NUMBER_FIELDS", 2)]
)
def test_a_form_that_is_too_large_is_refused_in_words(settings: Any, limit: str, value: int) -> None:
    setattr(settings, limit, value)
    sent = {"language": "es", "a": "x" * 50, "b": "y" * 50, "c": "z"}

    page = Client().post("/language/", sent)
    program = Client().post("/language/", sent, headers={"Accept": "application/json"})

    assert page.status_code == 413
    assert "What was sent" in page.content.decode()
    assert (program.status_code, program["Content-Type"]) == (413, "application/problem+json")


@pytest.mark.django_db
def test_files_within_the_bound_arrive_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Client().post("/language/", {"language": "es", "file": SimpleUploadedFile("a.bin", b"x" * 200_000)})

    assert answer.status_code == 302
