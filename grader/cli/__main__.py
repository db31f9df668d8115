"""`python -m grader.cli` is the command too, for where it is not installed."""

from grader.cli import main

main()
