"""Functions for the public tests, in a module of their own, so that spawned processes can import them."""

import os
import sys
import threading
import time


def square(number):
    """Square a number."""
    return number * number


def nap(seconds):
    """Sleep, and answer how long."""
    time.sleep(seconds)
    return seconds


def divide(number):
    """Divide by it; leave Python for 13."""
    if number == 13:
        sys.exit(number)
    return 100 / number


def locked(number):
    """Answer something that cannot be pickled."""
    return threading.Lock() if number < 3 else number


def leave(number):
    """End this process for 7."""
    if number == 7:
        os._exit(7)
    return number


def nap_then_pass_on(number):
    """Sleep a little, and answer what is to be squared."""
    time.sleep(0.005)
    return number + 1
