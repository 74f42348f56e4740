from apps.core.errors import DomainError


def test_a_domain_error_is_a_problem_that_names_the_places() -> None:
    error = DomainError("bad-yaml", "Line 3 is not YAML.", errors=[{"line": 3, "column": 5, "detail": "tab"}])

    assert error.problem() == {
        "type": "urn:integhub:bad-yaml",
        "title": "bad yaml",
        "status": 400,
        "detail": "Line 3 is not YAML.",
        "errors": [{"line": 3, "column": 5, "detail": "tab"}],
    }
