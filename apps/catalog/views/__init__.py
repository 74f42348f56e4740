"""Pages that change suites, cases and plans; the lists and pages of them are shown by ``insights``."""
