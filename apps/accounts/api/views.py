"""``/api/v1/me/``, ``/api/v1/teams/`` and ``/api/v1/tokens/``."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services
from apps.accounts.api.serializers import FreshTokenSerializer, MeSerializer, TeamSerializer, TokenSerializer
from apps.accounts.models import ApiToken, Team


class MeViewSet(viewsets.GenericViewSet[Any]):
    """The user who asks, and the teams of that user."""

    access = "api"
    serializer_class = MeSerializer
    pagination_class = None
    filter_backends: list[Any] = []

    @extend_schema(responses=MeSerializer)
    def list(self, request: Request) -> Response:
        user: Any = request.user
        return Response(MeSerializer(user).data)


class TeamViewSet(viewsets.ReadOnlyModelViewSet[Team]):
    """Teams of the user who asks."""

    access = "api"
    serializer_class = TeamSerializer
    lookup_field = "slug"
    queryset = Team.objects.none()

    def get_queryset(self) -> QuerySet[Team]:
        return Team.objects.visible_to(self.request.user).prefetch_related("memberships__user")


class TokenViewSet(mixins.ListModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[ApiToken]):
    """API tokens of the user who asks."""

    access = "api"
    serializer_class = TokenSerializer
    queryset = ApiToken.objects.none()
    lookup_value_regex = r"\d+"

    def get_queryset(self) -> QuerySet[ApiToken]:
        return ApiToken.objects.filter(user=self.request.user.pk)

    @extend_schema(request=TokenSerializer, responses={201: FreshTokenSerializer})
    def create(self, request: Request) -> Response:
        """Make a token; this answer is the only one that holds it."""
        wanted = TokenSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        user: Any = request.user
        made_with = request.auth if isinstance(request.auth, ApiToken) else None
        values = {"expires_at": None, **wanted.validated_data}
        saved, token = services.create_token(user, values.pop("name"), **values, made_with=made_with)
        saved.token = token  # type: ignore[attr-defined]
        return Response(FreshTokenSerializer(saved).data, status=status.HTTP_201_CREATED)

    def perform_destroy(self, instance: ApiToken) -> None:
        services.revoke_token(instance, self.request.user)  # type: ignore[arg-type]
