"""A small web shop of five processes: the demo system, and the subject of tests and benchmarks."""
