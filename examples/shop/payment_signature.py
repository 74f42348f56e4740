"""How payments signs its webhooks, and how the receiver checks it."""

import hashlib
import hmac


def sign(api_key: str, body: bytes) -> str:
    """The value of ``Payment-Signature``: HMAC-SHA256 of the body, keyed with the API key, in hex."""
    return hmac.new(api_key.encode(), body, hashlib.sha256).hexdigest()


def fits(signature: str, api_key: str, body: bytes) -> bool:
    """Whether *signature* was made from *body* by somebody who has the key."""
    return hmac.compare_digest(signature.encode(), sign(api_key, body).encode())
