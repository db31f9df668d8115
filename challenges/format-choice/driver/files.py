"""The one folder of files, and files in memory: their paths, and the damage that is done to them.

The grader names the files and sees the folder from outside, so nothing that is said here of a file has to be believed.
What is in memory it sees when it was copied to the folder.
"""

import os
import shutil

FOLDER = os.path.join(os.environ.get("TAKEHOME_DISK", "/tmp"), "files")  # noqa: PTH118

IN_MEMORY = "/dev/shm/"
"""What the names of files in memory begin with."""


def path_of(name):
    """Give the path of a file, in a folder that is there."""
    if name.startswith(IN_MEMORY):
        return name
    os.makedirs(FOLDER, exist_ok=True)  # noqa: PTH103
    return os.path.join(FOLDER, name)  # noqa: PTH118


def sync(name):
    """Have a file on the disk, if there is one."""
    path = path_of(name)
    if os.path.isfile(path):  # noqa: PTH113
        with open(path, "rb") as file:  # noqa: PTH123
            os.fsync(file.fileno())


def clear():
    """Remove every file."""
    shutil.rmtree(FOLDER, ignore_errors=True)


def copy(name, to):
    """Copy a file."""
    shutil.copyfile(path_of(name), path_of(to))


def remove(name):
    """Remove a file."""
    os.remove(path_of(name))  # noqa: PTH107


def flip_in_place(name, offset, mask):
    """Flip bits of a file as a disk that goes bad does: its size, its inode and its times stay as they are."""
    path = path_of(name)
    before = os.stat(path)  # noqa: PTH116
    with open(path, "r+b") as file:  # noqa: PTH123
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ mask]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def put(name, data):
    """Write a file of these bytes."""
    with open(path_of(name), "wb") as file:  # noqa: PTH123
        file.write(data)


def append(name, data):
    """Write these bytes behind a file's last."""
    with open(path_of(name), "ab") as file:  # noqa: PTH123
        file.write(data)
