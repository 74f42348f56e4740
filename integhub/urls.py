"""The URL map. Pages of a system hang below ``/s/<system>/``; live events below ``/live/`` (ASGI)."""

from django.urls import include, path

from apps.core import views as core

SYSTEM = "s/<slug:system>/"

urlpatterns = [
    path("health/", core.health, name="health"),
    path("favicon.ico", core.favicon, name="favicon"),
    path("language/", core.language, name="language"),
    path("theme/", core.theme, name="theme"),
    path("hooks/", include("apps.execution.hook_urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.systems.urls")),
    path(SYSTEM, include("apps.environments.urls")),
    path(SYSTEM, include("apps.catalog.urls")),
    path(SYSTEM, include("apps.runs.urls")),
    path(SYSTEM, include("apps.execution.urls")),
    path(SYSTEM, include("apps.defects.urls")),
    path("", include("apps.insights.urls")),
    path("live/", include("apps.runs.live")),
    path("api/v1/", include("apps.api.urls")),
]

handler400 = "apps.core.views.bad_request"
handler403 = "apps.core.views.forbidden"
handler404 = "apps.core.views.not_found"
handler500 = "apps.core.views.server_error"
