"""Health check of the web container: 0 when ``/health/`` answers 200 under the public host name."""

import http.client
import os
import sys
from urllib.parse import urlsplit


def main() -> int:
    """Ask the web process of this container; any other answer, or none, is 1."""
    public = urlsplit(os.environ.get("INTEGHUB_BASE_URL", "http://127.0.0.1:8000"))
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=5)
    try:
        connection.request("GET", "/health/", headers={"Host": public.netloc})
        return 0 if connection.getresponse().status == http.client.OK else 1
    except (OSError, http.client.HTTPException):
        return 1


if __name__ == "__main__":
    sys.exit(main())
