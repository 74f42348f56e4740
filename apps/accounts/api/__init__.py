"""REST routes of accounts."""

from apps.accounts.api.views import MeViewSet, TeamViewSet, TokenViewSet

routes = [("me", MeViewSet), ("teams", TeamViewSet), ("tokens", TokenViewSet)]
