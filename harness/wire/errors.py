"""The wire's own errors. Whoever reads the peer turns them into a value, or into a fault of the platform."""


class WireError(Exception):
    """What came is not what this protocol allows: the sender's fault."""


class EncodeError(WireError):
    """A value to be sent is not plain data, or is beyond the caps: the caller's fault."""
