"""What tools leave in a folder and nobody means to hand in; it is left behind, and the result says so."""

import re
from collections.abc import Sequence

FOLDERS = frozenset({
    ".git", ".hg", ".svn", ".venv", "venv", ".tox", ".nox", ".eggs", "node_modules", "__pycache__", "__MACOSX",
    ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".benchmarks", ".ipynb_checkpoints",
    ".idea", ".vscode",
})  # fmt: skip
FILES = re.compile(r"\.DS_Store|\._.*|Thumbs\.db|desktop\.ini|.*\.py[co]|\.coverage|.*~|\..*\.sw[op]")
OWN_OUTPUT = frozenset({".takehome.toml", "result.json", "benchmarks.json"})
"""What our own command writes: starting and grading must not change what is graded."""


def is_litter(path: Sequence[str]) -> bool:
    """Tell whether the last name of `path` is litter, whatever it is: file, folder, link."""
    name = path[-1]
    return name in FOLDERS or name in OWN_OUTPUT or name.endswith(".egg-info") or FILES.fullmatch(name) is not None
