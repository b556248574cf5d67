"""The end of a service: whoever got through to it gets an answer, if only 503.

A socket that is closed resets the connections that nobody has accepted yet, and those whose bytes nobody has read.
"""

import asyncio
import contextlib
import ctypes
import select
import socket
import struct

# For handshakes that have begun, and for the next request of a client that sends one after the other. Such a client
# hears with its next answer that the connection ends.
SECONDS = 0.3
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER of Linux
# Classic BPF, (code, jump if true, if false, operand), on a TCP header: byte 13 has the flags, 2 is SYN.
_DROP_SYN = (0x30, 0, 0, 13), (0x45, 0, 1, 2), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF)


async def wait_until_answered(listeners):
    """Waits until nobody stands before the listening sockets any more, and nobody new can.

    Whoever begins to connect meanwhile hears nothing, tries again a second later, and is refused by the closed port.
    """
    for listener in listeners:
        admit_no_more(listener)
    await asyncio.sleep(SECONDS)
    while any(map(has_unread, listeners)):
        await asyncio.sleep(0.01)


def admit_no_more(listener):
    """Drops the first packet of new connections; those that have begun go on. Does nothing where it cannot."""
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in _DROP_SYN)
    kept = ctypes.create_string_buffer(program, len(program))
    with contextlib.suppress(OSError):  # another system, or one that forbids it
        option = struct.pack("HP", len(_DROP_SYN), ctypes.addressof(kept))
        listener.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, option)


def has_unread(connection):
    """Whether bytes, or connections, wait in a socket."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
