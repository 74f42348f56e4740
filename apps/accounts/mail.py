"""Mails of accounts: invitations. Password mails are Django's own."""

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from apps.accounts.models import INVITATION_DAYS, Invitation


def invitation_link(token: str) -> str:
    """Address of the page on which an invitation is accepted."""
    return settings.BASE_URL + reverse("accounts:invitation", args=[token])


def mail_invitation(invitation: Invitation, token: str) -> None:
    """Send the link; a mail server that does not answer must not undo the invitation (the link is shown too)."""
    context = {"invitation": invitation, "link": invitation_link(token), "days": INVITATION_DAYS}
    send_mail(
        render_to_string("accounts/mail/invitation_subject.txt", context).strip(),
        render_to_string("accounts/mail/invitation.txt", context),
        None,
        [invitation.email],
    )
