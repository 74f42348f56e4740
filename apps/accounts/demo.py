"""The people of the demo system; they exist only in an embedded start that loaded the demo."""

from dataclasses import dataclass

from django.conf import settings

from apps.accounts.models import Role, User

PASSWORD = "integhub-demo"  # noqa: S105 (meant to be known; only ever used in an embedded start)


@dataclass(frozen=True)
class Person:
    """One demo account."""

    email: str
    name: str
    role: Role


PEOPLE = (
    Person("ada@demo.integhub.local", "Ada Admin", Role.ADMIN),
    Person("lena@demo.integhub.local", "Lena Lead", Role.LEAD),
    Person("tom@demo.integhub.local", "Tom Tester", Role.TESTER),
    Person("vera@demo.integhub.local", "Vera Viewer", Role.VIEWER),
)


def accounts() -> list[Person]:
    """Demo accounts that can be offered on the sign-in page: none outside an embedded start."""
    if not settings.EMBEDDED:
        return []
    known = set(User.objects.filter(email__in=[person.email for person in PEOPLE]).values_list("email", flat=True))
    return [person for person in PEOPLE if person.email in known]
