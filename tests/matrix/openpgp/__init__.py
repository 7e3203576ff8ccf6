"""OpenPGP between Sealdesk, gpg and sq, in PGP/MIME and inline."""
