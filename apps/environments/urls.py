"""Pages of environments and data sets, below ``s/<system>/``."""

from django.urls import path

from apps.environments import views

app_name = "environments"
urlpatterns = [
    path("environments/", views.environments, name="environments"),
    path("environments/new/", views.environment_new, name="environment-new"),
    path("environments/<slug:slug>/", views.environment, name="environment"),
    path("environments/<slug:slug>/edit/", views.environment_edit, name="environment-edit"),
    path("environments/<slug:slug>/remove/", views.environment_remove, name="environment-remove"),
    path("environments/<slug:slug>/history/", views.environment_history, name="environment-history"),
    path("environments/<slug:slug>/variables/", views.variables, name="variables"),
    path("environments/<slug:slug>/variables/remove/", views.variable_remove, name="variable-remove"),
    path("environments/<slug:slug>/secrets/", views.secrets, name="secrets"),
    path("environments/<slug:slug>/secrets/remove/", views.secret_remove, name="secret-remove"),
    path("environments/<slug:slug>/deploy/", views.deploy, name="deploy"),
    path("environments/<slug:slug>/withdraw/", views.withdraw, name="withdraw"),
    path("components/<slug:slug>/deployments/", views.component_deployments, name="component-deployments"),
    path("datasets/", views.datasets, name="datasets"),
    path("datasets/new/", views.dataset_new, name="dataset-new"),
    path("datasets/<slug:slug>/", views.dataset, name="dataset"),
    path("datasets/<slug:slug>/edit/", views.dataset_edit, name="dataset-edit"),
    path("datasets/<slug:slug>/table/", views.dataset_table, name="dataset-table"),
    path("datasets/<slug:slug>/import/", views.dataset_import, name="dataset-import"),
    path("datasets/<slug:slug>/export.csv", views.dataset_export, name="dataset-export"),
    path("datasets/<slug:slug>/remove/", views.dataset_remove, name="dataset-remove"),
]
