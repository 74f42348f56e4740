"""Pages of cases and plans; part of the namespace ``insights``."""

from django.urls import path

from apps.insights.cases import views

urlpatterns = [
    path("cases/", views.cases, name="cases"),
    path("cases/<int:number>/", views.case, name="case"),
    path("cases/<int:number>/panel/", views.case_panel, name="case-panel"),
    path("plans/", views.plans, name="plans"),
    path("plans/<slug:slug>/", views.plan, name="plan"),
]
