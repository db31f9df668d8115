"""Measure two subjects against each other on one core, so that the machine's noise falls on both alike.

Theory of operation::

    launch 0   candidate-0  reference-0     one duel visits each launch in turn;
    launch 1   candidate-1  reference-1     in a launch, rounds alternate ABBA:
    ...                                     A thawed, B frozen, prepare A, time A,
    launch k   candidate-k  reference-k     hand over, prepare B, time B, time B ...

Each launch is a fresh pair of processes with one hash seed for both; it is the replicate, because rounds inside
a launch share memory layout and are not independent. `round` says what is run, `schedule` in which order and how often,
`ledger` which of them count, `interval` turns samples into an estimate, `stopping` says when to end; these five do no
I/O. `match` plays the schedule. What is no duel, a statistic of each launch, has its turns compared by `paired`.
"""
