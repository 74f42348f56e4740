"""Lists and pages of cases and plans with their results: the catalog itself does not know what happened."""
