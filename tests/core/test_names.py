"""What others read as a name must be what is there: nothing hidden, nothing that turns the text behind it round."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.validation import in_one_line, unseen
from apps.defects import services as defects
from apps.environments.services import save_environment
from apps.systems.models import System

HIDDEN = ["\u202eko", "a\nb", "\u200b", "\u2067x", "bell\x07", "\u00a0"]


@pytest.mark.parametrize("name", HIDDEN)
def test_names_that_hide_something_are_refused(name: str, system: System, lead: User) -> None:
    with pytest.raises(DomainError) as environment:
        save_environment(system, name=name, by=lead)
    with pytest.raises(DomainError) as defect:
        defects.open_defect(None, system=system, by=lead, title=f"x{name}" if name.strip("\u200b\u00a0") else name)

    assert [error["field"] for error in environment.value.errors] == ["name"]
    assert [error["field"] for error in defect.value.errors] == ["title"]


@pytest.mark.parametrize("name", ["Bücherregal", "متجر", "店 2", "👩\u200d💻 team", "a\u00a0b"])
def test_names_of_every_language_are_names(name: str) -> None:
    assert not unseen(name)


def test_a_person_cannot_take_such_a_name(tester: User, sign_in: Callable[[User], Client]) -> None:
    answer = sign_in(tester).post("/account/", {"name": "\u202emoT", "language": "en"})

    assert "cannot be seen" in answer.content.decode()
    tester.refresh_from_db()
    assert tester.name == "Tom"


def test_what_a_component_answered_is_put_in_one_line() -> None:
    assert in_one_line("got \u202e5\n6") == "got  5 6"
