"""REST routes of runs and executions."""

from apps.execution.api.views import ExecutionViewSet, RunViewSet

routes = [("runs", RunViewSet), ("executions", ExecutionViewSet)]
