"""Waiting for a condition. The only place that pauses between two looks."""

import time


class NotInTime(AssertionError):
    pass


def until(what, condition, seconds=30.0, pause=0.05):
    """Returns the first true value of condition(). `what` completes "still not: …"; a condition may raise NotYet's cousins (OSError)."""
    deadline = time.monotonic() + seconds
    last_error = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last_error = None
        except (OSError, ValueError) as error:
            last_error = error
        if time.monotonic() > deadline:
            raise NotInTime(f"still not after {seconds:.0f} s: {what}" + (f" ({last_error})" if last_error else ""))
        time.sleep(pause)


def watch(seconds, look, pause=0.5):
    """Calls look() again and again for so long: for what must hold all the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        look()
        time.sleep(pause)


def until_equal(what, look, expected, seconds=30.0, pause=0.05):
    """Waits until look() returns `expected`; when it does not, the error says what it returned last."""
    last = [None]

    def equal():
        last[0] = look()
        return last[0] == expected
    try:
        until(what, equal, seconds, pause)
    except NotInTime as error:
        raise NotInTime(f"{error}; it is {last[0]!r}, not {expected!r}") from None
