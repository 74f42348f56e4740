"""Several cases in one YAML text."""

from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.catalog import services
from apps.catalog.models import TestCase, TestSuite
from apps.core.errors import DomainError
from apps.systems.models import System

ONE = "title: One\nsteps:\n  - {name: Ask, kind: http, with: {url: 'http://shop'}}\n"
TWO = (
    "title: Two\nsteps:\n  - name: Look\n    kind: manual\n"
    "    with:\n      instructions: |\n        First\n         --- not a marker\n"
)


def test_each_document_becomes_a_case(system: System, suite: TestSuite, tester: User) -> None:
    cases = services.import_cases(system, suite, [("a.yaml", f"# two cases\n---\n{ONE}--- # second\n{TWO}")], by=tester)

    assert [(case.number, case.title) for case in cases] == [(1, "One"), (2, "Two")]
    assert cases[0].current is not None
    assert (cases[0].current.author, cases[0].current.message) == (tester, "Imported")


def test_files_come_in_their_order(system: System, suite: TestSuite, tester: User) -> None:
    cases = services.import_cases(system, suite, [("b.yaml", TWO), ("a.yaml", ONE)], by=tester)

    assert [case.title for case in cases] == ["Two", "One"]


def test_one_bad_document_keeps_all_out_and_names_file_and_line(system: System, suite: TestSuite, tester: User) -> None:
    bad = "title: Bad\nsteps:\n  - name: Ask\n    kind: htpp\n"

    with pytest.raises(DomainError) as refused:
        services.import_cases(system, suite, [("good.yaml", ONE), ("bad.yaml", f"{ONE}---\n{bad}")], by=tester)

    error = refused.value.errors[0]
    assert (error["file"], error["field"], error["line"], error["column"]) == ("bad.yaml", "steps[0].kind", 8, 5)
    assert refused.value.detail.startswith("bad.yaml, line 8, column 5: unknown step kind “htpp”")
    assert not system.cases.exists()


def test_broken_yaml_names_the_line_of_the_file(system: System, suite: TestSuite, tester: User) -> None:
    with pytest.raises(DomainError) as refused:
        services.import_cases(system, suite, [("a.yaml", f"{ONE}---\ntitle: [\nsteps: x\n")], by=tester)

    assert refused.value.errors[0]["line"] >= 5


def test_an_unknown_point_is_named_with_its_line(system: System, suite: TestSuite, tester: User) -> None:
    text = f"{ONE}---\n{ONE}points: [nowhere]\n"

    with pytest.raises(DomainError) as refused:
        services.import_cases(system, suite, [("a.yaml", text)], by=tester)

    assert (refused.value.errors[0]["field"], refused.value.errors[0]["line"]) == ("points[0]", 8)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n---\n# another\n"], ids=repr)
def test_nothing_to_import_is_said(system: System, suite: TestSuite, tester: User, text: str) -> None:
    with pytest.raises(DomainError, match="no case"):
        services.import_cases(system, suite, [("a.yaml", text)], by=tester)


def test_what_is_exported_can_be_imported_again(
    system: System, suite: TestSuite, tester: User, make_case: Callable[..., TestCase]
) -> None:
    make_case("One")
    services.import_cases(system, suite, [("", TWO)], by=tester)
    text = "".join(services.export_cases(system.cases.select_related("current", "suite")))

    again = services.import_cases(system, suite, [("export.yaml", text)], by=tester)

    before = [case.current.definition for case in system.cases.order_by("number")[:2] if case.current]
    assert [case.current.definition for case in again if case.current] == before


def test_an_import_of_any_length_does_not_keep_the_web_busy(system: System, suite: TestSuite, tester: User) -> None:
    with pytest.raises(DomainError) as refused:
        services.import_cases(system, suite, [(f"{n}.yaml", f"# {'x' * 700_000}") for n in range(3)], by=tester)

    assert (refused.value.code, refused.value.status) == ("too-large", 413)
