# SPDX-License-Identifier: MIT
"""Messages with descriptors over a pair of sockets."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from aptfreeze.launch.channel import Channel


@pytest.fixture
def pair() -> Iterator[tuple[Channel, Channel]]:
    ours, theirs = (Channel(end) for end in socket.socketpair())
    yield ours, theirs
    ours.close()
    theirs.close()


def test_words_arrive_as_they_were_also_those_that_are_no_text(pair: tuple[Channel, Channel]) -> None:
    message = {"command": ["echo", os.fsdecode(b"\xff\xfe"), "ü"], "mask": [1, 2]}

    pair[0].send(message)

    assert pair[1].receive() == (message, [])


def test_a_descriptor_arrives_and_is_closed_by_exec(pair: tuple[Channel, Channel]) -> None:
    reading, writing = os.pipe()

    pair[0].send({"pid": 1}, writing)
    os.close(writing)
    message, [descriptor] = pair[1].receive()

    assert message == {"pid": 1}
    assert not os.get_inheritable(descriptor)
    os.write(descriptor, b"x")
    assert os.read(reading, 1) == b"x"
    os.close(descriptor)
    os.close(reading)


def test_messages_stay_apart_and_keep_their_own_descriptors(pair: tuple[Channel, Channel]) -> None:
    pair[0].send({"first": 1}, 0)
    pair[0].send({"second": 2})

    _, [descriptor] = pair[1].receive()
    os.close(descriptor)
    assert pair[1].receive() == ({"second": 2}, [])


def test_a_message_may_be_larger_than_the_sockets_hold(pair: tuple[Channel, Channel]) -> None:
    message = {"variables": {"LONG": "x" * 3_000_000}}
    sender = threading.Thread(target=pair[0].send, args=(message,))
    sender.start()

    assert pair[1].receive() == (message, [])
    sender.join()


def test_a_peer_that_is_gone_is_an_end_of_file_for_both_directions(pair: tuple[Channel, Channel]) -> None:
    pair[0].close()

    with pytest.raises(EOFError):
        pair[1].receive()
    with pytest.raises(EOFError):
        pair[1].send({})


def test_a_peer_that_is_gone_in_the_middle_of_a_message_too() -> None:
    ours, theirs = socket.socketpair()
    ours.sendall((100).to_bytes(4, "big") + b'{"half": ')
    ours.close()

    with closing(Channel(theirs)) as channel, pytest.raises(EOFError):
        channel.receive()
