"""Take a submission in: from a folder or an archive, hostile until proven otherwise, into a folder of ours.

Theory of operation: `folder` and `archive` read the source and yield its files one by one, each as a name and its chunks.
`name` decides which names are allowed, and `litter` which are left behind. The `Store` is the only one who writes: below a
folder of its own, by descriptors that follow no link, counting what it is given, not what anybody declares.

    source folder ──► folder.members ──┐
                                       ├──► Store.keep(name, chunks) ──► target/…      digest over (name, content)
    .zip .tar .tgz ─► archive.members ─┘
"""

from grader.intake.take_in import Intake, take_in

__all__ = ["Intake", "take_in"]
