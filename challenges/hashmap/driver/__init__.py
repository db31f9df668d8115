"""Adapt a submission's `HashMap` to the wire. Runs beside the submission and is trusted with nothing.

Theory of operation: two kinds of calls. Small and exact ones (`replay`) describe hostile keys as tagged lists and
operations as lists, and answer key objects by their number, so that identity survives the wire. Big and fast ones work
on one held map; keys travel as raw int64.

    replaying      replay(specs, operations): behaviour checks, every answer, operation by operation
    large_maps     build, insert, delete, ...: the held map, for checks on large maps and the bars' preparation
    bars           bulk_insert, hit_lookups, ...: input in, whole answer out, garbage collector off
    disturbances   refuse, meddle, leave_iterators: what the held map may go through before it shrinks
    reach          footprint: the size of what the held map consists of
    losses         leaks: what lives on of what a map lost
    steps          postponed: what changes of a map leave to be done by whoever looks at it
    natives        note_natives, census: what native containers gained while any other call filled the held map
    held           rest lets go of the held map

    keys           keys from their descriptions
    kinds          keys of several kinds, made of ints
    answers        what a map gave or raised, as plain values

The names that are imported here are what the grader can call; no others of the modules' are.
"""

from .bars import build_many as build_many
from .bars import bulk_insert as bulk_insert
from .bars import churn as churn
from .bars import churn_by as churn_by
from .bars import collide as collide
from .bars import count_words as count_words
from .bars import hit_lookups as hit_lookups
from .bars import iterate as iterate
from .bars import lengths as lengths
from .bars import miss_lookups as miss_lookups
from .disturbances import leave_iterators as leave_iterators
from .disturbances import meddle as meddle
from .disturbances import refuse as refuse
from .held import rest as rest
from .large_maps import assort as assort
from .large_maps import become_copy as become_copy
from .large_maps import build as build
from .large_maps import clear as clear
from .large_maps import contents as contents
from .large_maps import delete as delete
from .large_maps import extend as extend
from .large_maps import insert as insert
from .losses import leaks as leaks
from .natives import census as census
from .natives import note_natives as note_natives
from .reach import footprint as footprint
from .replaying import replay as replay
from .steps import postponed as postponed
