"""Pages that describe a system; what happened on it is shown by ``insights``."""

from apps.systems.views.components import (
    component,
    component_edit,
    component_new,
    component_remove,
    version_add,
)
from apps.systems.views.points import point_edit, point_new, point_remove
from apps.systems.views.systems import edit, new
from apps.systems.views.workflows import workflow, workflow_edit, workflow_new, workflow_remove, workflows

__all__ = [
    "component",
    "component_edit",
    "component_new",
    "component_remove",
    "edit",
    "new",
    "point_edit",
    "point_new",
    "point_remove",
    "version_add",
    "workflow",
    "workflow_edit",
    "workflow_new",
    "workflow_remove",
    "workflows",
]
