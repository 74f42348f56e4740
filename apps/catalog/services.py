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
from apps.catalog.plan_versions import Unmet, unmet
from apps.catalog.reading import check_step
from apps.catalog.shared_services import (
    archive_shared,
    current_revisions,
    revisions_for,
    save_shared,
    shared_definitions,
    users_of,
)
from apps.catalog.suite_services import remove_suite, save_suite
from apps.catalog.suite_tree import Node, in_suites, path_to, tree
from apps.catalog.transfer import export_cases, export_shared, import_cases

__all__ = [
    "KEEP",
    "EditConflict",
    "Node",
    "Unmet",
    "archive_shared",
    "cases_of",
    "change_cases",
    "check_step",
    "count_cases",
    "current_revisions",
    "duplicate_case",
    "export_cases",
    "export_shared",
    "go_back",
    "import_cases",
    "in_suites",
    "move_case",
    "move_cases",
    "path_to",
    "prioritise_cases",
    "remove_plan",
    "remove_suite",
    "revisions_for",
    "save_case",
    "save_plan",
    "save_shared",
    "save_suite",
    "set_status",
    "set_statuses",
    "shared_definitions",
    "tag_cases",
    "tree",
    "unmet",
    "users_of",
    "yaml_diff",
]
