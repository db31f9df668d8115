"""The one exception of the store, in a module of its own so that every other module can raise it."""


class StoreError(Exception):
    """The store could not do what was asked, and changed nothing."""


StoreError.__module__ = "solution"  # where users import it from, and where pickles look for it
