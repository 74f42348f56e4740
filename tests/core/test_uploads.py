import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.core import uploads


@pytest.mark.django_db
def test_a_request_that_is_too_large_is_refused_before_its_files_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LARGEST", 1_000)
    monkeypatch.setattr(uploads.BoundedUpload, "receive_data_chunk", lambda *_: pytest.fail("it was read"))

    answer = Client().post("/language/", {"file": SimpleUploadedFile("large.bin", b"x" * 2_000)})

    assert answer.status_code in (400, 413)


@pytest.mark.django_db
def test_files_within_the_bound_arrive_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Client().post("/language/", {"language": "es", "file": SimpleUploadedFile("a.bin", b"x" * 200_000)})

    assert answer.status_code == 302
