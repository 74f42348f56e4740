from django.urls import path, re_path

from apps.runs import views

app_name = "runs"
urlpatterns = [
    path("runs/", views.runs, name="runs"),
    path("runs/<int:number>/", views.run, name="run"),
    path("executions/<int:pk>/", views.execution, name="execution"),
    path("executions/<int:pk>/steps/<int:step_pk>/", views.step, name="step"),
    path("executions/<int:pk>/steps/<int:step_pk>/passes/<int:number>/", views.step_pass, name="step-pass"),
    re_path(
        r"^executions/(?P<pk>\d+)/steps/(?P<step_pk>\d+)/(?P<side>request|response)/(?P<name>\w+)/$",
        views.body,
        name="body",
    ),
    path("artifacts/<int:pk>/", views.artifact, name="artifact"),
]
