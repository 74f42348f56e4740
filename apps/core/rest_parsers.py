"""What the REST API reads: JSON, bounded. A module of its own, which DRF can import while it is imported itself."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from apps.core.errors import DomainError
from apps.core.json_reading import read_json


class BoundedJson(JSONParser):
    """Reads a JSON body up to DATA_UPLOAD_MAX_MEMORY_SIZE, which Django itself applies to pages only."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
        raw = stream.read(largest + 1)
        if len(raw) > largest:
            raise DomainError("too-large", f"The body has more than {largest} bytes.", status=413)
        try:
            return read_json(raw)
        except ValueError as error:  # also what is not UTF-8
            raise ParseError(f"Not valid JSON: {error}") from None
