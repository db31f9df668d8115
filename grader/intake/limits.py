"""How much a submission may be, and how much reading one may cost us."""

FILES = 1_000
"""More than any take-home has; each costs a file in every container."""

BYTES = 20 * 1024 * 1024
"""Contents of all files together; source code is far below, and what is above does not belong into a submission."""

MEMBERS = 20_000
"""Entries looked at, litter and folders included: what a forgotten virtual environment has, and not a flood."""

ARCHIVE_BYTES = 64 * 1024 * 1024
"""Size of an archive as handed in, litter included."""

UNPACKED_BYTES = 256 * 1024 * 1024
"""What a compressed tar may unpack to, litter included: it has to be unpacked to be skipped."""

NAME_BYTES = 255
"""Longest name of one file or folder in UTF-8; what file systems can hold."""

PATH_BYTES = 1_024
"""Longest path inside the submission; leaves room for the folders it is unpacked into."""

DEPTH = 16
"""Deepest nesting of folders."""

EXTENDED_HEADER_BYTES = 4_096
"""One extended header of a tar: room for path, time and owner. The library's parser takes time quadratic in it."""

EXTENDED_HEADERS_BYTES = 1024 * 1024
"""All extended headers of a tar together: about a hundred bytes for each of its members."""

CHUNK_BYTES = 64 * 1024
"""How much of a file is in memory at a time."""
