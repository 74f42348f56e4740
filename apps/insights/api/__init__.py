"""REST route of insights."""

from apps.insights.api.views import DashboardViewSet

routes = [("dashboard", DashboardViewSet)]
