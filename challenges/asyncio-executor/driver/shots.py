"""Shots: moments on the loop from which turns are counted, so that calls and jobs do things in an exact order."""

import asyncio

_shots = {}


def shot(name):
    """Give the event of a shot; who waits for it first goes on first."""
    return _shots.setdefault(name, asyncio.Event())


async def fire(name):
    """Let everybody go on who waits for a shot."""
    _shots.pop(name).set()
