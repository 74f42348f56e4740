from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.environments.models import Environment


def test_a_domain_error_is_a_problem_that_names_the_places() -> None:
    error = DomainError("bad-yaml", "Line 3 is not YAML.", errors=[{"line": 3, "column": 5, "detail": "tab"}])

    assert error.problem() == {
        "type": "urn:integhub:bad-yaml",
        "title": "bad yaml",
        "status": 400,
        "detail": "Line 3 is not YAML.",
        "errors": [{"line": 3, "column": 5, "detail": "tab"}],
    }


@pytest.mark.parametrize(
    ("path", "field"), [("variables/remove/", "name"), ("secrets/remove/", "name"), ("withdraw/", "component")]
)
def test_a_character_that_no_database_holds_is_refused(
    sign_in: Callable[[User], Client], lead: User, environment: Environment, path: str, field: str
) -> None:
    answer = sign_in(lead).post(f"{environment.get_absolute_url()}{path}", {field: "a\0b"})

    assert answer.status_code == 400
    assert "cannot be stored" in answer.content.decode()
