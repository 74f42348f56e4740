"""The demo's accounts; only in the embedded start, which binds to loopback."""

from apps.accounts.models import Membership, Role, Team, User

PASSWORD = "integhub-demo"  # noqa: S105 (shown on the sign-in page of the embedded start)
MEMBERS = (
    ("ada@demo.integhub.local", "Ada Admin", Role.ADMIN),
    ("lena@demo.integhub.local", "Lena Lead", Role.LEAD),
    ("tom@demo.integhub.local", "Tom Tester", Role.TESTER),
    ("vera@demo.integhub.local", "Vera Viewer", Role.VIEWER),
)


def team() -> Team:
    """The demo team with a member of each role; made when missing."""
    found, _ = Team.objects.get_or_create(slug="demo", defaults={"name": "Demo team"})
    for email, name, role in MEMBERS:
        user = User.objects.filter(email=email).first() or User.objects.create_user(email, PASSWORD, name=name)
        Membership.objects.get_or_create(team=found, user=user, defaults={"role": role})
    return found


def lead() -> User:
    """Who the demo's data is made by."""
    return User.objects.get(email=MEMBERS[1][0])
