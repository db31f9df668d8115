"""What a subject answered, taken as what it has to be."""

from typing import Any

CALL_SEC = 60.0
"""How long a call may take in which much is done."""


def listed(answers: object) -> list[Any]:
    """Insist that answers are a list."""
    assert isinstance(answers, list), "the answers have the wrong shape"
    return answers


def gave(answers: object) -> list[Any]:
    """Give what each operation gave; fails where one of them raised."""
    values = []
    for answer in listed(answers):
        match answer:
            case ["gave", value]:
                values.append(value)
            case ["raised", str(name), str(message)]:
                raise AssertionError(f"an operation that must succeed raised {name[:80]}: {message[:500]}")
            case _:
                raise AssertionError("the answers have the wrong shape")
    return values
