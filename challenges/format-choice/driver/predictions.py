"""The public workloads of formats.py, which `predictions.toml` is held against; measured in the reference only."""


def measure_formats(job, seed):
    """Measure one job of formats.py."""
    import formats  # noqa: PLC0415  only the reference has it for certain

    return [[name, float(value)] for name, value in formats.measure(job, seed).items()]
