"""IntegHub: integration testing of systems of several components."""

__version__ = "0.1.0"
