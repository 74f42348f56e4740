"""What other apps may do with suites, cases and plans; each verb owns its transaction."""

from apps.catalog.bulk_services import change_cases, move_cases, prioritise_cases, set_statuses, tag_cases
from apps.catalog.case_services import (
    KEEP,
    duplicate_case,
    go_back,
    move_case,
    save_case,
    set_status,
)
from apps.catalog.conflicts import EditConflict, yaml_diff
from apps.catalog.plan_counts import count_cases
from apps.catalog.plan_services import cases_of, remove_plan, save_plan
from apps.catalog.reading import check_step
from apps.catalog.suite_services import remove_suite, save_suite
from apps.catalog.suite_tree import Node, in_suites, path_to, tree
from apps.catalog.transfer import export_cases, import_cases

__all__ = [
    "KEEP",
    "EditConflict",
    "Node",
    "cases_of",
    "change_cases",
    "check_step",
    "count_cases",
    "duplicate_case",
    "export_cases",
    "go_back",
    "import_cases",
    "in_suites",
    "move_case",
    "move_cases",
    "path_to",
    "prioritise_cases",
    "remove_plan",
    "remove_suite",
    "save_case",
    "save_plan",
    "save_suite",
    "set_status",
    "set_statuses",
    "tag_cases",
    "tree",
    "yaml_diff",
]
