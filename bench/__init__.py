"""Benchmarks: one module each, with ``main(argv) -> Report``; its docstring's first line is shown in the list."""
