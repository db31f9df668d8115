"""Take a submission in: from a folder or an archive, hostile until proven otherwise, into a folder of ours.

Theory of operation: two readers yield the source's files one by one, each as a name and its chunks. `name` decides
which names are allowed, and `litter` which are left behind. The `Store` alone writes: below a folder of its own, by
descriptors that follow no link, counting what it is given and not what anybody declares.

    folder ───────────► FolderReader ──┐
                                       ├──► Store.keep(name, chunks) ──► target/…     digest over (name, content)
    .zip .tar .tar.gz ► ArchiveReader ─┘
"""

from grader.intake.admission import Intake, take_in

__all__ = ["Intake", "take_in"]
