"""The REST API, version 1: routes and schema only."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import APIRootView, DefaultRouter

from apps.accounts.api import routes as accounts
from apps.catalog.api import routes as catalog
from apps.defects.api import routes as defects
from apps.environments.api import routes as environments
from apps.execution.api import routes as execution
from apps.insights.api import routes as insights
from apps.systems.api import routes as systems


class Root(APIRootView):
    """Addresses of all collections."""

    access = "api"


class Schema(SpectacularAPIView):
    """OpenAPI schema of the REST API; says nothing that is not in the documentation."""

    access = "public"


router = DefaultRouter()
router.include_format_suffixes = False
router.APIRootView = Root
for routes in (accounts, systems, environments, catalog, execution, defects, insights):
    for prefix, viewset in routes:
        router.register(prefix, viewset, basename=prefix)

app_name = "api"
urlpatterns = [
    path("schema/", Schema.as_view(), name="schema"),
    path("", include(router.urls)),
]
