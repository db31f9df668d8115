"""Adapt a submission's `Executor` to the wire. Runs beside the submission and is trusted with nothing.

Theory of operation: nearly every job here *meets* the grader. It connects to a Unix socket of the grader's, says its
name, and does what it is told over that connection, until it is told to return. So the grader sees by itself which jobs
run at any instant, and when one ends: a killed process closes its connection, a cancelled coroutine says so on it. A
connection can be left behind in the thread or process that ran a job; it closes when that thread or process ends, which
shows leaks.

    meetings, jobs   what is submitted; worker processes import these by name, and with them all of this package
    items, words     what maps are made over; how jobs and items speak to the grader
    oddities         what jobs raise and return that can't be carried over
    submission       the submission, and what awaiting its futures comes to
    executors        open_, within, stats, shutdown, ...: the executor's interface, call by call
    futures          submit, result, cancel, ...; bulk_..., mix: many small jobs at once
    maps             map_open, map_next, ...
    shots, races     upon, after, fire: calls in an exact order of the loop's turns; map_at_the_door
    surroundings     ping: a heartbeat, answered on the submission's loop; census: threads, processes, tasks and files
"""

from .executors import leave as leave
from .executors import open_ as open_
from .executors import shutdown as shutdown
from .executors import shutdown_cancelled as shutdown_cancelled
from .executors import shutdown_plainly as shutdown_plainly
from .executors import stats as stats
from .executors import within as within
from .futures import bulk_cancel as bulk_cancel
from .futures import bulk_results as bulk_results
from .futures import bulk_submit as bulk_submit
from .futures import cancel as cancel
from .futures import cancel_submit as cancel_submit
from .futures import mix as mix
from .futures import result as result
from .futures import run as run
from .futures import submit as submit
from .futures import submit_and_cancel as submit_and_cancel
from .futures import submit_and_forget as submit_and_forget
from .futures import submit_and_look as submit_and_look
from .futures import submit_and_shut_down as submit_and_shut_down
from .maps import cancel_next as cancel_next
from .maps import map_all as map_all
from .maps import map_close as map_close
from .maps import map_next as map_next
from .maps import map_open as map_open
from .meetings import open_unheld as open_unheld
from .meetings import unheld_waits as unheld_waits
from .races import after as after
from .races import map_at_the_door as map_at_the_door
from .races import upon as upon
from .shots import fire as fire
from .surroundings import census as census
from .surroundings import forget as forget
from .surroundings import kill as kill
from .surroundings import ping as ping
from .surroundings import stop as stop
from .surroundings import submit_and_stop as submit_and_stop
