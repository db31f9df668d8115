"""The harness's own faults: raised when the platform fails, never for what a submission does."""


class HarnessError(Exception):
    """Root of every fault that is ours; what a submission does wrong is an `Outcome`."""


class EngineUnavailable(HarnessError):
    """No Docker engine answers, or it refuses us."""


class SandboxFailed(HarnessError):
    """A role could not be started, paused, resumed, inspected or stopped."""


class ControlLost(HarnessError):
    """The control channel between the host and the grader broke or spoke nonsense."""


class GradingTimedOut(HarnessError):
    """The grader gave no result within the time a grading may take."""


class DiskNearlyFull(HarnessError):
    """The disk of this machine has hardly any room left, whoever filled it."""


class CallUnsendable(HarnessError):
    """A challenge asked for a call whose arguments are not plain data, or are beyond the wire's caps."""
