"""What is opened for its users, and closed when it has rested."""

import threading

from page_tracker.query.resting import Resting


def test_it_stays_open_while_it_is_used_and_is_opened_again_after_a_rest() -> None:
    opened: list[int] = []
    closed, is_closed = list[int](), threading.Event()

    def open_it() -> int:
        opened.append(len(opened))
        return opened[-1]

    def close_it(number: int) -> None:
        closed.append(number)
        is_closed.set()

    resting = Resting(open_it, close_it, seconds=0.01)
    with resting.used() as first:
        with resting.used() as second:
            assert first == second == 0
        assert not is_closed.wait(0.05)
    assert is_closed.wait(60)
    with resting.used() as third:
        assert third == 1
    assert closed[0] == 0
