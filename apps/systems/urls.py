"""Pages of systems, components, integration points and workflows."""

from django.urls import path

from apps.systems import views

SYSTEM = "s/<slug:system>/"

app_name = "systems"
urlpatterns = [
    path("teams/<slug:team>/systems/new/", views.new, name="new"),
    path(f"{SYSTEM}settings/", views.edit, name="edit"),
    path(f"{SYSTEM}components/new/", views.component_new, name="component-new"),
    path(f"{SYSTEM}components/<slug:slug>/", views.component, name="component"),
    path(f"{SYSTEM}components/<slug:slug>/edit/", views.component_edit, name="component-edit"),
    path(f"{SYSTEM}components/<slug:slug>/remove/", views.component_remove, name="component-remove"),
    path(f"{SYSTEM}components/<slug:slug>/versions/", views.version_add, name="version-add"),
    path(f"{SYSTEM}points/new/", views.point_new, name="point-new"),
    path(f"{SYSTEM}points/<slug:slug>/edit/", views.point_edit, name="point-edit"),
    path(f"{SYSTEM}points/<slug:slug>/remove/", views.point_remove, name="point-remove"),
    path(f"{SYSTEM}workflows/", views.workflows, name="workflows"),
    path(f"{SYSTEM}workflows/new/", views.workflow_new, name="workflow-new"),
    path(f"{SYSTEM}workflows/<slug:slug>/", views.workflow, name="workflow"),
    path(f"{SYSTEM}workflows/<slug:slug>/edit/", views.workflow_edit, name="workflow-edit"),
    path(f"{SYSTEM}workflows/<slug:slug>/remove/", views.workflow_remove, name="workflow-remove"),
]
