"""The pytest plugin that runs in the grader role: fixtures for checks and bars, exact ids, evidence, progress.

`facade` is what a check holds in its hands, `fixtures` hands it out, `collection` decides what runs and in which
order, `checks`, `bars` and `settled` turn what happened into evidence, and `stopwatch` puts every timed round through
pytest-benchmark.
"""
