"""What items can go through, by the names that the grader gives stages."""

from .asking import (
    asked,
    asked_or_raise,
    asked_then_asking,
    asked_then_number,
    leaves_a_thread,
    on_a_lifeline,
    passed_on,
)
from .computing import compressed, logged, mixed, naps, part_of_array, squarings, turned
from .failures import aloof, approached, asked_then, dying, handles, named, opened, raising
from .forks import whereabouts

FUNCTIONS = {
    function.__name__: function
    for function in (
        squarings,
        compressed,
        part_of_array,
        mixed,
        asked,
        asked_then_number,
        asked_or_raise,
        asked_then_asking,
        passed_on,
        on_a_lifeline,
        leaves_a_thread,
        raising,
        handles,
        asked_then,
        named,
        aloof,
        approached,
        whereabouts,
        opened,
        dying,
        logged,
        turned,
        naps,
    )
}
