"""Runs cases, in plain Python: values in, values out. Start reading in ``runner.py``."""
