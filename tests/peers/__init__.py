"""What Sealdesk talks to, for real: Dovecot, Postfix, and customers with gpg and openssl.

Nothing in here imports sealmail or sealdesk: a peer that shared our code would share our mistakes.
"""
