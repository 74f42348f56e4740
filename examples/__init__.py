"""Example systems that IntegHub tests; see README.md in this folder."""
