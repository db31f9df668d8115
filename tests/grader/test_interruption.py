"""Signals: the first one stops the work, none of them stops the clean-up."""

import signal
import threading

import pytest

from grader.interruption import STOPPING, Interrupted, Shield, interruptible


def be_told_while_cleaning_up(steps):
    try:
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        steps.append("cleaned")


def be_told_within_a_shield(steps):
    with Shield():
        signal.raise_signal(signal.SIGINT)
        steps.append("cleaned")
    steps.append("went on")


@pytest.mark.parametrize(("signum", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_becomes_an_exception_with_the_shells_exit_code(signum, exit_code):
    with pytest.raises(Interrupted) as stopped, interruptible():
        signal.raise_signal(signum)
    assert stopped.value.exit_code == exit_code


def test_an_interruption_passes_handlers_for_ordinary_errors():
    assert not issubclass(Interrupted, Exception)


def test_a_second_signal_does_not_cut_the_clean_up_short():
    steps = []
    with pytest.raises(Interrupted) as stopped, interruptible():
        be_told_while_cleaning_up(steps)
    assert steps == ["cleaned"]
    assert stopped.value.signal is signal.SIGTERM


def test_the_user_is_told_once():
    told = []
    with pytest.raises(Interrupted), interruptible(lambda: told.append("stopping")):
        be_told_while_cleaning_up([])
    assert told == ["stopping"]


def test_a_first_signal_during_clean_up_waits_until_it_is_done():
    steps = []
    with pytest.raises(Interrupted), interruptible():
        be_told_within_a_shield(steps)
    assert steps == ["cleaned"]


def test_the_handlers_before_are_put_back():
    before = [signal.getsignal(signum) for signum in STOPPING]
    with interruptible(), Shield():
        pass
    assert [signal.getsignal(signum) for signum in STOPPING] == before


def test_outside_the_main_thread_nothing_is_handled():
    seen: list[object] = []

    def work() -> None:
        with interruptible(), Shield():
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_lifted_shield_lets_a_signal_through_and_keeps_the_clean_up_whole():
    steps = []
    with pytest.raises(Interrupted), interruptible():
        be_told_while_the_shield_is_lifted(steps)
    assert steps == ["working", "cleaned"]


def test_a_signal_held_back_is_delivered_when_the_shield_is_lifted():
    steps = []
    with pytest.raises(Interrupted), interruptible():
        be_told_before_the_shield_is_lifted(steps)
    assert steps == ["cleaned"]


def be_told_while_the_shield_is_lifted(steps):
    with Shield() as shield:
        try:
            with shield.lifted():
                steps.append("working")
                signal.raise_signal(signal.SIGINT)
                steps.append("went on")
        finally:
            signal.raise_signal(signal.SIGTERM)
            steps.append("cleaned")


def be_told_before_the_shield_is_lifted(steps):
    with Shield() as shield:
        signal.raise_signal(signal.SIGTERM)
        try:
            with shield.lifted():
                steps.append("went on")
        finally:
            steps.append("cleaned")
