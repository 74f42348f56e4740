"""Steps that a person carries out."""

from apps.catalog.definition.fields import Field, Kind, Subject
from apps.catalog.definition.marks import _

MANUAL = Kind(
    name="manual",
    label=_("Manual step"),
    summary=_("A person follows the instructions and gives the verdict."),
    icon="hand-click",
    fields=(
        Field(name="instructions", type="markdown", label=_("Instructions"), required=True),
        Field(name="expected", type="markdown", label=_("Expected result")),
    ),
    subjects=(Subject(name="verdict", label=_("Verdict"), value="text", operators=("equals", "one_of")),),
    main="verdict",
    by_person=True,
)
