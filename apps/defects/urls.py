from django.urls import path

from apps.defects import verbs, views

app_name = "defects"
urlpatterns = [
    path("defects/", views.defects, name="defects"),
    path("defects/new/", views.new, name="new"),
    path("defects/<int:number>/", views.defect, name="defect"),
    path("defects/<int:number>/edit/", views.edit, name="edit"),
    path("defects/<int:number>/root-cause/", views.root_cause, name="root-cause"),
    path("defects/<int:number>/comment/", verbs.comment, name="comment"),
    path("defects/<int:number>/assign/", verbs.assign, name="assign"),
    path("defects/<int:number>/severity/", verbs.severity, name="severity"),
    path("defects/<int:number>/start/", verbs.start, name="start"),
    path("defects/<int:number>/fix/", verbs.fix, name="fix"),
    path("defects/<int:number>/reject/", verbs.reject, name="reject"),
    path("defects/<int:number>/reopen/", verbs.reopen, name="reopen"),
    path("defects/<int:number>/evidence/", verbs.evidence, name="evidence"),
    path("defects/<int:number>/retest/", verbs.retest, name="retest"),
]
