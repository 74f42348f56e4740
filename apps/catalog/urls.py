from django.urls import path

from apps.catalog.views import cases, editor, plans, shared, suites

app_name = "catalog"
urlpatterns = [
    path("cases/new/", editor.case_new, name="case-new"),
    path("cases/<int:number>/edit/", editor.case_edit, name="case-edit"),
    path("cases/convert/", editor.convert, name="case-convert"),
    path("cases/<int:number>/status/", cases.case_status, name="case-status"),
    path("cases/<int:number>/duplicate/", cases.case_duplicate, name="case-duplicate"),
    path("cases/<int:number>/revisions/<int:revision>/", cases.case_go_back, name="case-go-back"),
    path("cases/bulk/", cases.cases_bulk, name="cases-bulk"),
    path("cases/import/", cases.cases_import, name="cases-import"),
    path("cases/export/", cases.cases_export, name="cases-export"),
    path("suites/new/", suites.suite_new, name="suite-new"),
    path("suites/<int:pk>/", suites.suite_edit, name="suite-edit"),
    path("suites/<int:pk>/remove/", suites.suite_remove, name="suite-remove"),
    path("shared-steps/", shared.shared_steps, name="shared-steps"),
    path("shared-steps/new/", shared.shared_new, name="shared-new"),
    path("shared-steps/convert/", shared.shared_convert, name="shared-convert"),
    path("shared-steps/extract/", shared.shared_extract, name="shared-extract"),
    path("shared-steps/export/", shared.shared_export, name="shared-export"),
    path("shared-steps/<slug:shared>/", shared.shared_step, name="shared-step"),
    path("shared-steps/<slug:shared>/edit/", shared.shared_edit, name="shared-edit"),
    path("shared-steps/<slug:shared>/archive/", shared.shared_archive, name="shared-archive"),
    path("plans/new/", plans.plan_new, name="plan-new"),
    path("plans/<slug:slug>/edit/", plans.plan_edit, name="plan-edit"),
    path("plans/<slug:slug>/remove/", plans.plan_remove, name="plan-remove"),
]
