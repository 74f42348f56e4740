"""What the ``sql`` kind can talk to: one adapter for each database, chosen by the scheme of the URL."""
