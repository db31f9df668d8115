"""A scan and a writer at once: neither sees the other, and neither waits."""

from random import Random

from answers import gave
from model import Operation, Row
from ordering import FOLDER, OPEN
from rows import draw_rows

from grader.plugin.facade import SubjectFacade

OPEN_SCANS = 48
"""As many as SPEC.md allows."""


def within_a_process(rng: Random) -> list[list[Operation]]:
    """Begin scans, change the store in every way, and go on with them."""
    rows = draw_rows(rng, 700)
    changes: list[Operation] = [
        ["put", "s", [[*row[:3], b"changed"] for row in rows[::3]]],
        ["delete", "s", ["b"], ["c"]],
        ["put", "s", draw_rows(rng, 500)],
        ["delete", "s", None, None],
        ["put", "s", draw_rows(rng, 300, ("b",))],
    ]
    stories: list[list[Operation]] = []
    for taken in (0, 1, 30):
        story: list[Operation] = [*OPEN, ["put", "s", rows]]
        for number, change in enumerate(changes):
            for reverse in (False, True):
                story.append(["begin", f"{number}{reverse}", "s", None, ["c", 2**39], None, reverse])
                story.append(["next", f"{number}{reverse}", taken])
            story += [change, ["scan", "s", None, None, None, False], ["get", "s", rows[0][:3]], ["count", "s", ["b"]]]
        order = rng.sample(range(len(changes)), len(changes))
        story += [["next", f"{number}{reverse}", 5000] for number in order for reverse in (True, False)]
        stories.append(story)
    return stories


MANY_ROWS = 20_000


def of_many_rows(rng: Random) -> list[Operation]:
    """Begin scans of a store with many rows, use some of them in part, change it, and go on."""
    rows = draw_rows(rng, MANY_ROWS, value_bytes=8)
    begin: list[Operation] = []
    for number, reverse in enumerate((False, True, False)):
        begin += [
            ["begin", f"many-{number}", "s", None, None, None, reverse],
            ["next", f"many-{number}", rng.choice((0, 1, rng.randrange(MANY_ROWS)))],
        ]
    return [
        *OPEN,
        ["put", "s", rows],
        *begin,
        ["put", "s", [[*row[:3], b"changed"] for row in rng.sample(rows, MANY_ROWS // 4)]],
        ["delete", "s", ["b"], ["c"]],
        *(["next", f"many-{number}", MANY_ROWS] for number in range(3)),
        ["count", "s", []],
    ]


def across_processes(subject: SubjectFacade, rng: Random) -> None:
    """Begin a scan in another process, change everything in this one, and go on."""
    rows = draw_rows(rng, 600, ("a",))
    subject.value("reset", [FOLDER])
    gave(subject.value("replay", [*OPEN, ["put", "s", rows]]))
    subject.value("peer_start", "reader")
    begin = [*OPEN, ["begin", "scan", "s", None, None, None, False], ["next", "scan", 10]]
    first = gave(subject.value("peer_replay", "reader", begin))[-1]
    new: list[Row] = [["new", number, 0, b"new"] for number in range(50)]
    gave(subject.value("replay", [["delete", "s", None, None], ["put", "s", new]]))
    rest, fresh = gave(
        subject.value("peer_replay", "reader", [["next", "scan", 5000], ["scan", "s", None, None, None, False]])
    )
    assert first == sorted(rows)[:10], "what was acknowledged in one process is not seen by a scan in another"
    assert first + rest == sorted(rows), "another process wrote, and a scan begun before that saw it"
    assert fresh == new, "what another process wrote is not seen by a scan begun after it"
    subject.value("reset", [FOLDER])


def nobody_waits(rng: Random) -> list[list[Operation]]:
    """Read while a batch is being put, and put while scans are open."""
    before, after = draw_rows(rng, 200), draw_rows(rng, 200)
    key = before[0][:3]
    changed: list[Row] = [[*key, b"changed"], *after]
    whole: Operation = ["scan", "s", None, None, None, False]
    return [
        [
            *OPEN,
            ["put", "s", before],
            *(["put-reading", "s", changed, key], ["get", "s", key], whole),
            *(
                ["put-while-threads-read", "s", [[*row[:3], b"again"] for row in changed], key],
                ["get", "s", key],
                whole,
            ),
        ],
        [
            *OPEN,
            ["put", "s", before],
            *(["begin", f"scan-{number}", "s", None, None, None, bool(number % 2)] for number in range(OPEN_SCANS)),
            *(["next", f"scan-{number}", 1 + number] for number in range(OPEN_SCANS)),
            ["get", "s", key],
            ["get-many", "s", [key]],
            ["put", "s", after],
            ["delete", "s", ["a"], ["b"]],
            ["count", "s", []],
            *(["next", f"scan-{number}", 1000] for number in range(OPEN_SCANS)),
            whole,
        ],
    ]
