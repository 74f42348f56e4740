"""Verbs on defects. What people say moves a defect; what runs show verifies it or opens it again."""

from apps.defects.pages.story import sentence as describe
from apps.defects.services.changes import (
    assign,
    change,
    comment,
    mark_fixed,
    reject,
    reopen,
    set_root_cause,
    start_work,
)
from apps.defects.services.opening import add_evidence, open_defect
from apps.defects.services.retests import note_failures, retest, settle

__all__ = [
    "add_evidence",
    "assign",
    "change",
    "comment",
    "describe",
    "mark_fixed",
    "note_failures",
    "open_defect",
    "reject",
    "reopen",
    "retest",
    "set_root_cause",
    "settle",
    "start_work",
]
