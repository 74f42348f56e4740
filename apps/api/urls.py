"""The REST API, version 1: routes and schema only."""

from importlib import import_module
from typing import Any

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import DefaultRouter

APPS = ("accounts", "systems", "environments", "catalog", "execution", "defects")

router = DefaultRouter()
for name in APPS:
    try:
        routes: list[tuple[str, Any]] = import_module(f"apps.{name}.api").routes
    except (ImportError, AttributeError):
        continue  # TEMPORARY while apps land
    for prefix, viewset in routes:
        router.register(prefix, viewset, basename=prefix)

app_name = "api"
urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("", include(router.urls)),
]
