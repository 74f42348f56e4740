"""Server-sent events of runs; mounted below ``/live/``, which the ASGI side answers."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial

from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import aget_object_or_404
from django.urls import path

from apps.accounts.models import Role
from apps.core.live import News, stream
from apps.runs.news import folded, folded_by_run
from apps.systems.access import SystemRequest, live_page, still_may_enter
from apps.systems.models import System

Fold = Callable[[Sequence[News]], Sequence[News]]
SHOWN = re.compile(r"(\d{1,18})-(\d{1,18})")
EVENT_ID = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")  # below 2**64: Redis takes no greater one


async def _events(topic: str, after: str, may_read: Callable[[], Awaitable[bool]], fold: Fold) -> AsyncIterator[bytes]:
    # A page stays open for hours: give its database connection back before the stream begins.
    await sync_to_async(connections.close_all)()
    try:
        async for event in stream(topic, after, may_read, fold):
            yield event
    except asyncio.CancelledError:
        return  # the reader went away: the usual end, not worth a warning in the log


def _answer(request: SystemRequest, topic: str, fold: Fold) -> HttpResponseBase:
    """Events of *topic* after ``Last-Event-ID`` (sent by a browser that was cut off) or ``?after=``."""
    after = request.headers.get("Last-Event-ID") or request.GET.get("after") or "0-0"
    if not EVENT_ID.fullmatch(after):
        return HttpResponse("after: not the id of an event", status=400, content_type="text/plain")
    may_read = partial(still_may_enter, request.session.session_key, request.system.pk)
    response = StreamingHttpResponse(_events(topic, after, may_read, fold), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # nginx would hold events back
    return response


@live_page(Role.VIEWER)
async def run(request: SystemRequest, system: System, number: int) -> HttpResponseBase:
    """Events of one run; ``?shown=17-66`` leaves out executions that the page does not show."""
    found = await aget_object_or_404(system.runs, number=number)
    shown = SHOWN.fullmatch(request.GET.get("shown", ""))
    ids = range(int(shown[1]), int(shown[2]) + 1) if shown else None
    return _answer(request, found.topic, partial(folded, shown=ids))


@live_page(Role.VIEWER)
async def news(request: SystemRequest, system: System) -> HttpResponseBase:
    """What happens in the system: ``runs`` that start, progress and end, ``defects`` that change."""
    return _answer(request, f"system:{system.pk}", folded_by_run)


app_name = "live"
urlpatterns = [
    path("s/<slug:system>/runs/<int:number>/", run, name="run"),
    path("s/<slug:system>/", news, name="system"),
]
