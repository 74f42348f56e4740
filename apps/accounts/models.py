"""Users, teams, roles, invitations, API tokens and the audit log."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.models import Timestamped

INVITATION_DAYS = 7


class Role(models.IntegerChoices):
    """What a member may do; each role may do all that the ones below it may."""

    VIEWER = 10, _("Viewer")
    TESTER = 20, _("Tester")
    LEAD = 30, _("Lead")
    ADMIN = 40, _("Admin")


class UserManager(BaseUserManager["User"]):
    """Makes users by e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person; signs in by e-mail address."""

    email = models.EmailField(_("E-mail address"), unique=True)
    name = models.CharField(_("Name"), max_length=120)
    language = models.CharField(_("Language"), max_length=8, default="en")
    is_active = models.BooleanField(_("Active"), default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def initials(self) -> str:
        """One or two letters for an avatar."""
        return "".join(word[0] for word in (self.name or self.email).split()[:2]).upper()

    def get_short_name(self) -> str:
        return self.name.split()[0] if self.name else self.email


class TeamQuerySet(models.QuerySet["Team"]):
    def visible_to(self, user: Any) -> Self:
        """Teams in which *user* is a member."""
        return self.filter(members=user.pk)


class Team(Timestamped):
    """People who work on the same systems."""

    name = models.CharField(_("Name"), max_length=80)
    slug = models.SlugField(unique=True, max_length=60)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One person's role in one team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.PositiveSmallIntegerField(_("Role"), choices=Role.choices, default=Role.TESTER)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["user__name"]
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"


def digest(token: str) -> str:
    """What is stored of a token: its SHA-256, so that the database does not give it away."""
    return hashlib.sha256(token.encode()).hexdigest()


class Invitation(models.Model):
    """A link by which one person may join a team, once, within a week."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(_("E-mail address"))
    role = models.PositiveSmallIntegerField(_("Role"), choices=Role.choices, default=Role.TESTER)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    accepted_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.email} → {self.team}"

    @property
    def is_open(self) -> bool:
        """Whether the link still works."""
        young = self.created_at > timezone.now() - timedelta(days=INVITATION_DAYS)
        return self.accepted_at is None and self.revoked_at is None and young


class Scope(models.TextChoices):
    """How much of what its user may do a program with a token may; each may all that the ones before it may."""

    READ = "read", _("Read only")
    RUN = "run", _("Read, run tests, note deployments")
    WRITE = "write", _("Everything that you may do")

    def covers(self, needed: "Scope") -> bool:
        """Whether a token of this scope may do what needs *needed*."""
        order = list(Scope)
        return order.index(self) >= order.index(needed)


class ApiToken(models.Model):
    """Lets a program act as its user; the token itself is shown once."""

    PREFIX = "ihub_"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("Name"), max_length=80)
    scope = models.CharField(_("Scope"), max_length=8, choices=Scope.choices, default=Scope.WRITE)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(_("Expires"), null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(name="token_scope_known", condition=models.Q(scope__in=Scope.values)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_expired(self) -> bool:
        """Whether the API refuses it by now."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @classmethod
    def fresh(cls) -> str:
        """A new random token, to be shown once."""
        return cls.PREFIX + secrets.token_urlsafe(32)


class AuditEntry(models.Model):
    """Who changed what, when: access, members, secrets, configuration. Never deleted with its actor."""

    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="audit")
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    action = models.CharField(max_length=60)  # e.g. ``secret.changed``
    subject = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["team", "-id"])]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"

    @property
    def told(self) -> list[tuple[str, str]]:
        """What the detail says, by name; of a change what was and what is."""
        changes: dict[str, Any] = self.detail.get("changes") or {}
        rest = [(name, value) for name, value in self.detail.items() if name != "changes"]
        said = [(name, "–" if value in (None, "") else _in_words(value)) for name, value in rest]
        return [(name, _change_in_words(value)) for name, value in changes.items()] + said


def _change_in_words(value: Any) -> str:
    """``[before, after]``; a change without a before, such as the number of rows, is told as it is."""
    if not isinstance(value, list) or len(value) != 2:
        return _in_words(value)
    before, after = (_in_words(one) if one not in (None, "", []) else "–" for one in value)
    return f"{before} → {after}"


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_in_words, value))
    return (
        ", ".join(f"{name} {_in_words(one)}" for name, one in value.items()) if isinstance(value, dict) else str(value)
    )
