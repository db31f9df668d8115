"""What runs in a worker's process. It imports next to nothing, so that a process starts quickly.

The worker is sent lists of pickled arguments, and answers each with a list of tuples, one for each argument:
("result", pickle), ("raised", pickle or None, name of the class, text) or ("lost", text).
"""

import pickle


def work(connection, function):
    """Say that the process is up; serve until the other end is closed, and say when a list is begun."""
    try:
        connection.send_bytes(b"ready")
    except OSError:
        return
    while True:
        try:
            message = connection.recv_bytes()
        except (EOFError, OSError):
            return
        connection.send_bytes(b"begun")
        answers = [_answer(function, argument) for argument in pickle.loads(message)]
        connection.send_bytes(pickle.dumps(answers, 5))
        del message, answers


def describe(error):
    """Name and message of an exception, whatever its `__str__` does."""
    name = type(error).__qualname__
    for show in (str, repr):
        try:
            return f"{name}: {show(error)}"
        except BaseException:
            continue
    return name


def _answer(function, argument):
    try:
        value = pickle.loads(argument)
    except BaseException as error:
        return "lost", "the argument does not unpickle: " + describe(error)
    try:
        result = function(value)
    except BaseException as error:
        return _raised(error)
    try:
        return "result", pickle.dumps(result, 5)
    except BaseException as error:
        return "lost", "the result does not pickle: " + describe(error)


def _raised(error):
    try:
        pickled = pickle.dumps(error, 5)
    except BaseException:
        pickled = None
    return "raised", pickled, type(error).__qualname__, describe(error)
