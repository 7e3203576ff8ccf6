"""Messages made by gpg, opened by us."""
