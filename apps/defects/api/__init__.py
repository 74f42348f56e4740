"""REST route of defects."""

from apps.defects.api.views import DefectViewSet

routes = [("defects", DefectViewSet)]
