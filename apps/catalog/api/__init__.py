"""REST API of suites, cases and plans."""

from apps.catalog.api.views import CaseViewSet, PlanViewSet, SharedStepViewSet, SuiteViewSet

routes = [("suites", SuiteViewSet), ("cases", CaseViewSet), ("plans", PlanViewSet), ("shared-steps", SharedStepViewSet)]
