from django.urls import path

from apps.execution import try_views
from apps.execution.views import manual, people, runs, workers

app_name = "execution"
urlpatterns = [
    path("runs/start/", runs.start, name="start"),
    path("workers/", workers.workers, name="workers"),
    path("runs/<int:number>/notices/", workers.notices, name="notices"),
    path("runs/<int:number>/pause/", runs.pause, name="pause"),
    path("runs/<int:number>/resume/", runs.resume, name="resume"),
    path("runs/<int:number>/cancel/", runs.cancel, name="cancel"),
    path("runs/<int:number>/rerun/", runs.rerun, name="rerun"),
    path("runs/<int:number>/assign/", people.assign_chosen, name="assign-chosen"),
    path("runs/<int:number>/split/", people.split, name="split"),
    path("runs/<int:number>/verdicts/", people.verdicts, name="verdicts"),
    path("executions/<int:pk>/manual/", manual.manual, name="manual"),
    path("executions/<int:pk>/manual/files/", manual.attach, name="attach"),
    path("executions/<int:pk>/manual/files/<int:artifact>/remove/", manual.detach, name="detach"),
    path("executions/<int:pk>/assign/", people.assign, name="assign"),
    path("cases/try-step/", try_views.try_step, name="try-step"),
    path("cases/try-step/<slug:ticket>/", try_views.try_result, name="try-result"),
    path("cases/try-step/<slug:ticket>/picture/", try_views.try_picture, name="try-picture"),
]
