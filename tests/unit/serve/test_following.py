# SPDX-License-Identifier: MIT
"""Who answers when the lock file changes. With a real proxy and real lock files: test_running.py."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from aptfreeze.http.message import BadRequest, Headers, Request
from aptfreeze.serve.answers import text_reply
from aptfreeze.serve.following import Following
from aptfreeze.serve.reply import Handler, Inline, Reply
from support.loops import in_loop

REQUEST = Request("GET", b"http://mirror.example.org/debian/dists/sid/InRelease", "1.1", Headers([]), True)


@dataclass
class Named:
    """A handler that answers with its name, at once or later."""

    name: str
    is_late: bool = False

    def answer(self, request: Request) -> Reply | asyncio.Future[Reply]:
        if not self.is_late:
            return text_reply(200, "", self.name)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, future.set_result, text_reply(200, "", self.name))
        return future

    def refuse(self, bad: BadRequest) -> Reply:
        return text_reply(bad.status, "", self.name)


class World:
    """A lock file whose text is the name of the handler that it means."""

    def __init__(self, folder: Path) -> None:
        self.lock_file = folder / "aptfreeze.lock"
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.write("first")

    def write(self, name: str) -> None:
        beside = self.lock_file.with_suffix(".new")
        beside.write_text(name)
        beside.replace(self.lock_file)
        # A file system's clock may tick slowly, and an inode may be used again.
        self._ticks = getattr(self, "_ticks", 0) + 1
        os.utime(self.lock_file, ns=(self._ticks, self._ticks))

    async def follow(self) -> Handler:
        self.reads += 1
        name = self.lock_file.read_text()
        await self.gate.wait()
        return Named(name, is_late=name.startswith("late"))


async def said(answer: Reply | asyncio.Future[Reply]) -> str:
    reply = answer if isinstance(answer, Reply) else await answer
    assert isinstance(reply.body, Inline)
    return reply.body.data.decode().strip().removeprefix("aptfreeze: ")


async def after_a_while() -> None:
    await asyncio.sleep(0.03)


Story = Callable[[World, Following], Awaitable[None]]


def tell(tmp_path: Path, story: Story) -> None:
    async def told() -> None:
        world = World(tmp_path)
        async with asyncio.TaskGroup() as tasks:
            await story(world, Following(Named("the one it began with"), world.lock_file, world.follow, tasks))

    in_loop(told)


def test_as_long_as_nothing_changes_it_is_read_once(tmp_path: Path) -> None:
    async def story(world: World, following: Following) -> None:
        assert await said(following.answer(REQUEST)) == "first"
        await after_a_while()
        assert isinstance(following.answer(REQUEST), Reply)
        assert world.reads == 1

    tell(tmp_path, story)


@pytest.mark.parametrize("name", ["second", "late second"])
def test_the_next_request_is_answered_by_the_next_one(tmp_path: Path, name: str) -> None:
    async def story(world: World, following: Following) -> None:
        await said(following.answer(REQUEST))
        world.write(name)
        await after_a_while()
        assert await said(following.answer(REQUEST)) == name
        assert following.refuse(BadRequest(400, "no")) is not None
        assert world.reads == 2

    tell(tmp_path, story)


def test_another_file_of_the_same_size_and_time_is_another_one(tmp_path: Path) -> None:
    async def story(world: World, following: Following) -> None:
        await said(following.answer(REQUEST))
        before = world.lock_file.stat()
        other = tmp_path / "other"
        other.write_text("other")
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        other.replace(world.lock_file)
        await after_a_while()
        assert world.lock_file.stat().st_size == before.st_size
        assert await said(following.answer(REQUEST)) == "other"

    tell(tmp_path, story)


def test_requests_that_come_while_it_is_read_wait_and_read_it_once(tmp_path: Path) -> None:
    async def story(world: World, following: Following) -> None:
        await said(following.answer(REQUEST))
        world.write("second")
        world.gate.clear()
        await after_a_while()
        answers = [following.answer(REQUEST) for _ in range(3)]
        await after_a_while()
        assert not any(answer.done() for answer in answers if isinstance(answer, asyncio.Future))
        world.gate.set()
        assert [await said(answer) for answer in answers] == ["second"] * 3
        assert world.reads == 2

    tell(tmp_path, story)


def test_a_client_that_leaves_meanwhile_takes_nothing_along(tmp_path: Path) -> None:
    async def story(world: World, following: Following) -> None:
        world.gate.clear()
        left, stayed = following.answer(REQUEST), following.answer(REQUEST)
        assert isinstance(left, asyncio.Future)
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.sleep(0)
        world.gate.set()
        assert await said(stayed) == "first"

    tell(tmp_path, story)


def test_a_lock_file_that_is_gone_for_a_moment_is_read_when_it_is_back(tmp_path: Path) -> None:
    async def story(world: World, following: Following) -> None:
        await said(following.answer(REQUEST))
        kept = world.lock_file.rename(tmp_path / "kept")
        await after_a_while()
        kept.rename(world.lock_file)
        world.write("second")
        await after_a_while()
        assert await said(following.answer(REQUEST)) == "second"

    tell(tmp_path, story)
