"""What the pages of execution show."""
