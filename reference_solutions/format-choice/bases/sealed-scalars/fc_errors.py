"""The one exception for data that is not what it should be."""


class FormatError(ValueError):
    """The data is damaged, cut short, hostile, or of another format."""
