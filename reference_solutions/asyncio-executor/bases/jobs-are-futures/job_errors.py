"""The executor's own exceptions, in a module that imports nothing."""


class ExecutorClosed(RuntimeError):
    """The executor takes no more jobs."""


class WorkerCrashed(RuntimeError):
    """The process of a cpu or crash job ended before the job did."""


class RemoteError(RuntimeError):
    """What a cpu or crash job raised or returned can't be carried to this process; says what it was."""
