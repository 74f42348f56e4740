"""ASGI entry: live events asynchronously, pages on persistent threads.

Django under ASGI runs every synchronous view in a fresh thread, so each page would open a new database
connection (about 3 ms). Pages therefore go through WSGI on a pool of threads that keep theirs; only the
server-sent events under ``/live/`` are answered by Django's ASGI handler.
"""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "integhub.settings")
os.environ.setdefault("INTEGHUB_STATEMENT_TIMEOUT", "60")  # seconds; whoever asked for the page has gone by then

from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

live: Any = get_asgi_application()
wsgi: Any = get_wsgi_application()
pages: Any = WSGIMiddleware(wsgi, workers=settings.WEB_THREADS)


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Route one connection: ``/live/…`` to ASGI, everything else to the thread pool."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["path"].startswith("/live/"):
        await live(scope, receive, send)
    else:
        await pages(scope, receive, send)


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
