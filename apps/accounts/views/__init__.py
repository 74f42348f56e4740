"""Pages of accounts: signing in, invitations, teams, the own account."""
