"""Server-sent events of runs; mounted below ``/live/``, which the ASGI side answers."""

from django.urls import URLPattern

app_name = "live"
urlpatterns: list[URLPattern] = []
