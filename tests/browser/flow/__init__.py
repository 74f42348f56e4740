"""The walk through the whole product, part by part; ``tests/browser/test_flow.py`` takes it from start to end."""
