"""Forms of accounts. They check what was typed; services act."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, PasswordResetForm
from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ApiToken, Invitation, Role, Scope, Team, User
from apps.core.forms import RefusableMixin, visible_line

RESET_PAUSE = 120  # seconds between password mails to one address


class SignInForm(AuthenticationForm):
    """E-mail address and password. The address is lowered, so that spelling does not escape the attempt limit."""

    # One text, so that it does not say whether there is such an account.
    error_messages = {
        "invalid_login": _("The address or the password is not correct."),
        "inactive": _("The address or the password is not correct."),
    }

    def __init__(self, request: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = _("E-mail address")
        self.fields["username"].widget = forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"})

    def clean_username(self) -> str:
        return str(self.cleaned_data["username"]).strip().lower()


class ResetForm(PasswordResetForm):
    """Asks for a password mail; one address gets at most one in two minutes, whoever asks."""

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip().lower()

    def save(self, **options: Any) -> None:  # type: ignore[override]
        if cache.add(f"password-mail:{self.cleaned_data['email']}", 1, RESET_PAUSE):
            context = {**(options.pop("extra_email_context", None) or {}), "base_url": settings.BASE_URL}
            super().save(**options, extra_email_context=context)


class JoinForm(RefusableMixin, forms.Form):
    """Name and password of a person who joins by invitation."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        validators=[visible_line],
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text=_("At least 8 characters; not one that everybody uses."),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if password := data.get("password"):
            person = User(email=self.email, name=data.get("name", ""))
            try:
                password_validation.validate_password(password, person)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return data


class NamedForm(forms.ModelForm[Any]):
    """Base of forms with a name that others read."""

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        visible_line(name)
        return name


class TeamForm(NamedForm):
    class Meta:
        model = Team
        fields = ["name"]


class InviteForm(RefusableMixin, forms.ModelForm[Invitation]):
    class Meta:
        model = Invitation
        fields = ["email", "role"]


class RoleForm(forms.Form):
    role = forms.TypedChoiceField(label=_("Role"), choices=Role.choices, coerce=lambda value: Role(int(value)))


class AccountForm(NamedForm):
    """Name and language of the user; the language offers what the product speaks."""

    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    class Meta:
        model = User
        fields = ["name", "language"]


class PasswordForm(PasswordChangeForm):
    """Changes the password; does not take the focus, since it stands beside another form."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].label = _("Present password")
        self.fields["old_password"].widget.attrs.pop("autofocus", None)
        self.fields["new_password2"].label = _("New password once more")
        self.fields["new_password2"].help_text = ""


class TokenForm(forms.ModelForm[ApiToken]):
    """Name, scope and lifetime of a new API token; its scope is chosen, none is given by itself."""

    scope = forms.ChoiceField(label=_("Scope"), choices=[("", _("Choose…")), *Scope.choices])
    days = forms.TypedChoiceField(
        label=_("Works for"),
        coerce=int,
        initial=90,
        choices=[(30, _("30 days")), (90, _("90 days")), (365, _("One year")), (0, _("Until it is revoked"))],
    )

    class Meta:
        model = ApiToken
        fields = ["name", "scope"]

    @property
    def expires_at(self) -> Any:
        """Moment of expiry, or None for a token without one."""
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=days) if days else None
