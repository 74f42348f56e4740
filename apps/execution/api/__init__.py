"""REST routes of runs and executions."""

from apps.execution.api.executions import ExecutionViewSet
from apps.execution.api.views import RunViewSet
from apps.execution.api.workers import WorkerViewSet

routes = [("runs", RunViewSet), ("executions", ExecutionViewSet), ("workers", WorkerViewSet)]
