"""Complain about everything that is wrong with a challenge, at once, before anybody's submission meets it."""

from grader.lint.inspection import lint

__all__ = ["lint"]
