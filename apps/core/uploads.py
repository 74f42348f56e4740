"""A bound on what anybody can upload, signed in or not: a request is refused before its files fill the disk."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

LARGEST = 25 * 1024 * 1024  # bytes of one request; what takes files has lower limits of its own


class BoundedUpload(FileUploadHandler):
    """First of FILE_UPLOAD_HANDLERS: looks at the announced size, stores nothing."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803 (Django's name)
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        if content_length > LARGEST:
            raise RequestDataTooBig(f"The request has {content_length} bytes; {LARGEST} are accepted.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
