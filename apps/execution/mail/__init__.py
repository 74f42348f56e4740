"""The built-in mailbox: an SMTP server, and the store that ``mail`` steps read. Plain Python."""
