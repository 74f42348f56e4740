"""Accounts as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.models import ApiToken, Membership, Role, Team, User


@extend_schema_field(serializers.ChoiceField(choices=[role.name.lower() for role in Role]))
class RoleField(serializers.Field[Role, str, str, Any]):
    """A role by its name: ``viewer``, ``tester``, ``lead`` or ``admin``."""

    def to_representation(self, value: int) -> str:
        return Role(value).name.lower()


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    """One member of a team."""

    email = serializers.EmailField(source="user.email", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)
    role = RoleField(read_only=True)

    class Meta:
        model = Membership
        fields = ["email", "name", "role", "joined_at"]


class TeamSerializer(serializers.ModelSerializer[Team]):
    """A team with its members."""

    members = MembershipSerializer(source="memberships", many=True, read_only=True)

    class Meta:
        model = Team
        fields = ["slug", "name", "members", "created_at"]


class MyMembershipSerializer(serializers.ModelSerializer[Membership]):
    """A team in which the user is, and as what."""

    team = serializers.SlugField(source="team.slug", read_only=True)
    role = RoleField(read_only=True)

    class Meta:
        model = Membership
        fields = ["team", "role"]


class MeSerializer(serializers.ModelSerializer[User]):
    """The user who asks."""

    teams = MyMembershipSerializer(source="memberships", many=True, read_only=True)

    class Meta:
        model = User
        fields = ["email", "name", "language", "teams"]


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """An API token, without the token itself."""

    class Meta:
        model = ApiToken
        fields = ["id", "name", "scope", "created_at", "last_used_at", "expires_at"]
        read_only_fields = ["created_at", "last_used_at"]


class FreshTokenSerializer(TokenSerializer):
    """A token just made: the only answer that holds the token itself."""

    token = serializers.CharField(read_only=True)

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]
