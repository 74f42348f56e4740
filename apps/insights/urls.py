from django.urls import include, path

from apps.insights import views

app_name = "insights"
urlpatterns = [
    path("", views.home, name="home"),
    path("s/<slug:system>/", views.dashboard, name="dashboard"),
    path("s/<slug:system>/performance/", views.performance, name="performance"),
    path("s/<slug:system>/search/", views.search, name="search"),
    path("s/<slug:system>/", include("apps.insights.cases.urls")),
]
