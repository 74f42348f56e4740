"""Reports of test tools, read in plain Python: bytes in, results out."""
