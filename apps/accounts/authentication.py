"""``Authorization: Bearer ihub_…`` authentication of programs."""

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts.models import ApiToken, User, digest

USE_NOTED_EVERY = timedelta(minutes=5)  # not a write for every request


class TokenAuthentication(BaseAuthentication):
    """Bearer tokens of ApiToken; a wrong or expired one is a 401, none leaves it to the session."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        parts = get_authorization_header(request).decode("latin-1").split()
        if not parts or parts[0].lower() not in {"bearer", "token"}:
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("The Authorization header must be “Bearer TOKEN”.")
        now = timezone.now()
        token = (
            ApiToken.objects.select_related("user")
            .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now), token_digest=digest(parts[1]))
            .first()
        )
        if token is None or not token.user.is_active:
            raise AuthenticationFailed("The token is not known or has expired.")
        if token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        return token.user, token

    def authenticate_header(self, request: Any) -> str:
        return 'Bearer realm="IntegHub"'
