"""The built-in mailbox as this installation has it."""

import hashlib
import hmac
from dataclasses import dataclass

from django.conf import settings

from apps.core.mailboxes import Mailboxes, box_of_environment
from apps.environments.models import Environment


@dataclass(frozen=True, slots=True)
class MailboxLogin:
    """With what components of an environment sign in, so that all their mail comes to its box."""

    server: str
    user: str
    password: str


def mailboxes() -> Mailboxes:
    """Makes and recognises addresses; they change with the secret key."""
    key = hmac.digest(settings.SECRET_KEY.encode(), b"integhub mailbox", hashlib.sha256)
    return Mailboxes(key=key, domain=settings.MAILBOX_DOMAIN)


def mailbox_login(environment: Environment) -> MailboxLogin | None:
    """The login of *environment*; None where no mailbox runs."""
    if not settings.MAILBOX:
        return None
    user, password = mailboxes().login(box_of_environment(environment.pk))
    return MailboxLogin(settings.MAILBOX, user, password)
