import pytest

from apps.accounts.models import Role, Team, User
from apps.core.errors import DomainError
from apps.defects import services
from apps.defects.mentions import emphasised, mentioned
from apps.defects.models import Defect, Mention
from tests.conftest import member

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(team: Team) -> list[User]:
    return [
        User(pk=1, email="ann.lee@example.test", name="Ann Lee"),
        User(pk=2, email="ann.moe@example.test", name="Ann Moe"),
        User(pk=3, email="kai@example.test", name="Kai Berg"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@ann.lee please", ["Ann Lee"]),
        ("see @AnnMoe.", ["Ann Moe"]),
        ("@kai, @Ann.Lee", ["Kai Berg", "Ann Lee"]),
        ("@ann is not clear, two have that name", []),
        ("@nobody and kai", []),
        ("mail to post@kai.test", []),
        ("`@kai` and\n```\n@kai\n```", []),
        ("```\nnever closed @kai", []),
        ("@kai @kai", ["Kai Berg"]),
    ],
)
def test_members_are_found_by_address_or_name(people: list[User], text: str, found: list[str]) -> None:
    assert {user.name for user in mentioned(text, people)} == set(found)


def test_only_real_mentions_are_emphasised(people: list[User]) -> None:
    assert emphasised("@kai and @Retry and `@kai`", people) == "**@kai** and @Retry and `@kai`"


def test_a_comment_waits_for_the_members_it_names_but_not_for_its_writer(
    defect: Defect, tester: User, lead: User, outsider: User
) -> None:
    event = services.comment(defect, by=tester, text="@lena and @oscar, see what @tom wrote")

    assert [mention.user for mention in event.mentions.all()] == [lead]
    assert Mention.objects.get().seen_at is None


def test_a_person_who_left_the_team_is_not_mentioned(defect: Defect, tester: User, team: Team) -> None:
    gone = member(team, Role.TESTER, "Gus")
    gone.memberships.all().delete()

    assert not services.comment(defect, by=tester, text="@gus").mentions.exists()


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 20_001])
def test_empty_and_endless_comments_are_refused(defect: Defect, tester: User, text: str) -> None:
    with pytest.raises(DomainError) as refused:
        services.comment(defect, by=tester, text=text)
    assert refused.value.errors[0]["field"] == "text"
