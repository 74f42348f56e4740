"""The people of the demo system; they exist only in an embedded start that loaded the demo."""

from dataclasses import dataclass

from django.conf import settings

from apps.accounts.models import Membership, Role, Team, User

PASSWORD = "integhub-demo"  # noqa: S105 (meant to be known; see ``people``)


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


def join(team: Team) -> dict[Role, User]:
    """Make the demo accounts members of *team*; refuses outside an embedded start, since their password is known."""
    if not settings.EMBEDDED:
        raise RuntimeError("Demo accounts are made only in an embedded start.")
    found: dict[Role, User] = {}
    for person in PEOPLE:
        user = User.objects.filter(email=person.email).first()
        if user is None:
            user = User.objects.create_user(person.email, PASSWORD, name=person.name)
        Membership.objects.get_or_create(team=team, user=user, defaults={"role": person.role})
        found[person.role] = user
    return found
