"""Pages that make something happen."""
