"""What the pages of runs show: bounded queries and plain values for the templates."""
