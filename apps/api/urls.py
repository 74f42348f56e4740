"""The REST API, version 1: routes and schema only."""

from importlib import import_module
from typing import Any

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import APIRootView, DefaultRouter

APPS = ("accounts", "systems", "environments", "catalog", "execution", "defects", "insights")


class Root(APIRootView):
    """Addresses of all collections."""

    access = "api"


class Schema(SpectacularAPIView):
    """OpenAPI schema of the REST API; says nothing that is not in the documentation."""

    access = "public"


router = DefaultRouter()
router.include_format_suffixes = False
router.APIRootView = Root
for name in APPS:
    try:
        routes: list[tuple[str, Any]] = import_module(f"apps.{name}.api").routes
    except (ImportError, AttributeError):
        continue  # TEMPORARY while apps land
    for prefix, viewset in routes:
        router.register(prefix, viewset, basename=prefix)

app_name = "api"
urlpatterns = [
    path("schema/", Schema.as_view(), name="schema"),
    path("", include(router.urls)),
]
