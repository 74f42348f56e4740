"""Files out of the record. Their content is distrusted: never rendered as a page, never sniffed."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase

from apps.runs.models import Artifact

R = TypeVar("R", bound=HttpResponseBase)
# Only pictures are shown inside a page (as <img>); everything else is bytes for the browser.
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


def artifact(artifact: Artifact) -> FileResponse:
    """The artifact as an attachment under its own name."""
    try:
        content = artifact.file.open("rb")
    except FileNotFoundError as error:
        raise Http404("the file is gone") from error
    media_type = artifact.content_type if artifact.content_type in PICTURES else "application/octet-stream"
    response = FileResponse(content, as_attachment=True, filename=artifact.name, content_type=media_type)
    return _guarded(response)


def body(record: Mapping[str, Any], name: str, file_name: str) -> HttpResponse:
    """The value *name* of a step's request or response as a text file. 404 when there is none."""
    if name not in record:
        raise Http404("no such part")
    value = record[name]
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    extension = "txt" if isinstance(value, str) else "json"
    response = HttpResponse(text, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{file_name}.{extension}"'
    return _guarded(response)


def _guarded(response: R) -> R:
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "private, max-age=3600"
    return response
