"""S/MIME between Sealdesk, openssl and gpgsm, each sealing for each: what is sealed opens, or the table says
that it does not. `python -m tests.matrix` writes docs/peers.md.
"""
