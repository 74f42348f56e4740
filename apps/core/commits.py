"""How a transaction ends."""

# Before the first statement of one whose loss costs nothing but doing it again: its commit does not wait for the disk.
WITHOUT_DISK = "SET LOCAL synchronous_commit TO off; "
