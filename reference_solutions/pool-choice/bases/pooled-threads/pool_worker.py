"""What runs in a worker process. Kept free of heavy imports (no dataclasses, no solution), because each start pays for them."""

import pickle

OK, RAISED = 0, 1
BEGUN = b""


def serve(connection, pickled_function, streams):
    """Run what comes through the connection until it closes.

    A message in is a pickled list of items, each pickled by itself. Messages out: `BEGUN`, then pickled lists of entries,
    (OK, pickled result) or (RAISED, pickled exception or None, text). With `streams` each entry goes out before the next
    item starts; otherwise all of a chunk go together.
    """
    try:
        function, broken = pickle.loads(pickled_function), None
    except BaseException as error:  # noqa: BLE001
        function, broken = None, packed_error(error)
    try:
        while True:
            chunk = pickle.loads(connection.recv_bytes())
            connection.send_bytes(BEGUN)
            entries = []
            for pickled in chunk:
                entries.append(broken or entry_of(function, pickled))
                if streams:
                    connection.send_bytes(pickle.dumps(entries, -1))
                    entries.clear()
            if entries:
                connection.send_bytes(pickle.dumps(entries, -1))
    except (EOFError, OSError):
        return  # the other side has closed


def entry_of(function, pickled):
    """Run one item; whatever is raised on the way becomes its entry."""
    try:
        return OK, pickle.dumps(function(pickle.loads(pickled)), -1)
    except BaseException as error:  # noqa: BLE001
        return packed_error(error)


def packed_error(error):
    """Pack an exception so that it comes out as it was, or say what it was."""
    text = described(error)
    try:
        pickled = pickle.dumps(error, -1)
        if same(pickle.loads(pickled), error):
            return RAISED, pickled, text
    except BaseException:  # noqa: BLE001, S110
        pass
    return RAISED, None, text


def same(copy, error):
    """Whether a copy is of the same class and has equal args. Args without a useful == count by how they pickle."""
    if type(copy) is not type(error) or len(copy.args) != len(error.args):
        return False
    try:
        if copy.args == error.args:
            return True
    except Exception:  # noqa: BLE001, S110  arrays, say
        pass
    return pickle.dumps(copy.args, -1) == pickle.dumps(error.args, -1)


def described(error):
    """Name the class and give the message."""
    try:
        message = str(error)
    except BaseException:  # noqa: BLE001
        message = "(it has no text)"
    return f"{type(error).__qualname__}: {message}"
