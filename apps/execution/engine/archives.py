"""Secrets out of files that are packed: whoever masks the packed bytes masks nothing."""

import io
import zipfile

from apps.execution.engine.masking import Masker

LARGEST = 128 * 1024 * 1024  # bytes unpacked
_MOST = 10_000  # members


def masked_zip(content: bytes, masker: Masker) -> bytes | None:
    """The ZIP *content* with every member masked; None when it cannot be read, or unpacks to too much."""
    result = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as ours:
            members = packed.infolist()
            if len(members) > _MOST or sum(one.file_size for one in members) > LARGEST:
                return None
            for one in members:
                ours.writestr(masker.text(one.filename), masker.content(packed.read(one)))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError):
        return None
    return result.getvalue()
