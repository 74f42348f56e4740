"""REST API of systems."""

from apps.systems.api.views import ComponentViewSet, PointViewSet, SystemViewSet, WorkflowViewSet

routes = [
    ("systems", SystemViewSet),
    ("components", ComponentViewSet),
    ("points", PointViewSet),
    ("workflows", WorkflowViewSet),
]
