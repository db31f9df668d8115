"""What every job raises for data that is not what it wrote."""


class FormatError(ValueError):
    """The data is damaged, cut short, hostile, or of another format."""
