"""The submission, as the driver sees it: what it offers, and what becomes of using it.

Importing this makes it importable, in fresh interpreters too, and with it this package, by whose functions' names its
worker processes find what they fold with. Whatever of the package needs the submission, or LMDB, has it from here.
"""

import os
import sys

FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
"""Where this package lies."""

for _folder in (os.environ.get("TAKEHOME_SUBMISSION", FOLDER), FOLDER):
    if _folder not in sys.path:
        sys.path.insert(0, _folder)

import lmdb  # noqa: E402
from solution import Store, StoreError  # noqa: E402

__all__ = ["FOLDER", "Store", "StoreError", "lmdb", "run"]


def run(action):
    """Carry out one action and describe its answer, or what it raised."""
    try:
        return ["gave", action()]
    except StoreError as fault:
        return ["raised", "StoreError", str(fault)[:500]]
    except Exception as fault:  # noqa: BLE001  whatever a store raises is its answer
        return ["raised", type(fault).__name__, str(fault)[:500]]
