from django.urls import include, path

from apps.insights import map_views, views

app_name = "insights"
urlpatterns = [
    path("", views.home, name="home"),
    path("s/<slug:system>/", views.dashboard, name="dashboard"),
    path("s/<slug:system>/map/", map_views.system_map, name="map"),
    path("s/<slug:system>/map/panel/", map_views.map_panel, name="map-panel"),
    path("s/<slug:system>/points/<slug:slug>/", map_views.point_page, name="point"),
    path("s/<slug:system>/performance/", views.performance, name="performance"),
    path("s/<slug:system>/search/", views.search, name="search"),
    path("s/<slug:system>/", include("apps.insights.cases.urls")),
]
