# SPDX-License-Identifier: MIT
"""Who gets a thread, and when."""

import threading

import pytest

from aptfreeze.fetch import crew as crew_module
from aptfreeze.fetch.crew import Crew, Task
from support.serving import eventually


class Blocker:
    """A task that occupies its thread."""

    def __init__(self, done: list[str]) -> None:
        self.started, self.go = threading.Event(), threading.Event()
        self._done = done

    def __call__(self) -> None:
        self.started.set()
        self.go.wait(10)
        self._done.append("blocker")


def occupied(crew: Crew, done: list[str]) -> Blocker:
    blocker = Blocker(done)
    crew.submit(blocker, 1, at_once=False)
    assert blocker.started.wait(10)
    return blocker


def recorder(done: list[str], name: str, ran: threading.Event | None = None) -> Task:
    def run() -> None:
        done.append(name)
        if ran is not None:
            ran.set()

    return run


def meeting(barrier: threading.Barrier) -> Task:
    """A task that ends when enough others run at the same time."""

    def meet() -> None:
        barrier.wait(10)

    return meet


def test_urgent_tasks_never_wait_for_a_thread() -> None:
    crew, everybody = Crew(1), threading.Barrier(6)
    blocker = occupied(crew, [])
    for _ in range(5):
        crew.submit(meeting(everybody), 0, at_once=True)
    everybody.wait(10)  # all five run at once, beside the one that occupies the crew
    blocker.go.set()
    crew.close(5)


def test_the_others_share_few_threads_and_go_by_priority() -> None:
    crew, last = Crew(1), threading.Event()
    done: list[str] = []
    blocker = occupied(crew, done)
    crew.submit(recorder(done, "late", last), 2, at_once=False)
    crew.submit(recorder(done, "early"), 1, at_once=False)
    blocker.go.set()
    assert last.wait(10)
    assert done == ["blocker", "early", "late"]
    crew.close(5)


def test_a_task_that_becomes_urgent_runs_once() -> None:
    crew, ran = Crew(1), threading.Event()
    done: list[str] = []
    blocker = occupied(crew, done)
    task = recorder(done, "urgent", ran)
    crew.submit(task, 2, at_once=False)
    crew.hurry(task, 0, at_once=True)
    assert ran.wait(10)
    crew.hurry(task, 0, at_once=True)
    blocker.go.set()
    crew.close(5)
    assert done == ["urgent", "blocker"]


def test_a_thread_too_many_hands_on_what_it_was_woken_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew_module, "_IDLE_S", 3600.0)  # no thread finds the task by itself
    crew, everybody = Crew(2), threading.Barrier(4)
    for _ in range(3):
        crew.submit(meeting(everybody), 0, at_once=True)
    everybody.wait(10)
    assert eventually(lambda: "3 threads, 3 idle" in repr(crew))
    both = threading.Barrier(3)
    for _ in range(2):
        crew.submit(meeting(both), 1, at_once=False)
    both.wait(10)
    crew.close(5)


def test_closing_drops_what_waits() -> None:
    crew = Crew(1)
    done: list[str] = []
    blocker = occupied(crew, done)
    crew.submit(recorder(done, "waiting"), 1, at_once=False)
    crew.close(0.01)
    blocker.go.set()
    crew.close(5)
    assert done == ["blocker"]
    assert repr(crew) == "<Crew 0 threads, 0 idle, 0 tasks waiting>"
