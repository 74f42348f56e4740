"""REST API of environments and data sets."""

from apps.environments.api.views import (
    DatasetViewSet,
    DeploymentViewSet,
    EnvironmentViewSet,
    SecretViewSet,
    VariableViewSet,
)

routes = [
    ("environments", EnvironmentViewSet),
    ("variables", VariableViewSet),
    ("secrets", SecretViewSet),
    ("deployments", DeploymentViewSet),
    ("datasets", DatasetViewSet),
]
