"""The demo's team; its people are ``apps.accounts.services.add_demo_people``, only in an embedded start."""

from apps.accounts.models import Role, Team, User
from apps.accounts.services import add_demo_people


def team_and_lead() -> tuple[Team, User]:
    """The demo team, with a member of each role, and its lead; made when missing."""
    team, _ = Team.objects.get_or_create(slug="demo", defaults={"name": "Demo team"})
    return team, add_demo_people(team)[Role.LEAD]
