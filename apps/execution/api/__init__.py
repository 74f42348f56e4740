"""REST routes of runs and executions."""

from apps.execution.api.views import ExecutionViewSet, RunViewSet, WorkerViewSet

routes = [("runs", RunViewSet), ("executions", ExecutionViewSet), ("workers", WorkerViewSet)]
