"""The one exception of the store."""


class StoreError(Exception):
    """The store could not do what was asked, and changed nothing."""
