"""`python -m sealdesk.cli`: the command where no script is on the path."""

from sealdesk.cli.main import main

main()
