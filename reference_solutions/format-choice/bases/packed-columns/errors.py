"""The one exception that says: these bytes are not what they should be."""


class FormatError(ValueError):
    """The data is damaged, cut short, hostile, or of another format."""
