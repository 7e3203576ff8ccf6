"""`python -m sealmail`: the same as the command."""

import sys

from sealmail.cli import main

sys.exit(main())
