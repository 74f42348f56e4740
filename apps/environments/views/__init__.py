"""Pages of environments and data sets."""

from apps.environments.views.datasets import (
    dataset,
    dataset_edit,
    dataset_export,
    dataset_import,
    dataset_new,
    dataset_remove,
    dataset_table,
    datasets,
)
from apps.environments.views.deployments import component_deployments, deploy, withdraw
from apps.environments.views.environments import (
    environment,
    environment_edit,
    environment_history,
    environment_new,
    environment_remove,
    environments,
)
from apps.environments.views.names import secret_remove, secrets, variable_remove, variables

__all__ = [
    "component_deployments",
    "dataset",
    "dataset_edit",
    "dataset_export",
    "dataset_import",
    "dataset_new",
    "dataset_remove",
    "dataset_table",
    "datasets",
    "deploy",
    "environment",
    "environment_edit",
    "environment_history",
    "environment_new",
    "environment_remove",
    "environments",
    "secret_remove",
    "secrets",
    "variable_remove",
    "variables",
    "withdraw",
]
