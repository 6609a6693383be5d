"""Many TCP connections that are open at the same time: how many of them do not come about, or break.

``python -m tests.benchmarks.crowd serve`` in one instance, ``python -m tests.benchmarks.crowd ADDRESS NUMBER`` in
another. That opens all, asks on each for an answer when all are open, and prints how many failed and the seconds until
all were open.
"""

import asyncio
import resource
import sys
import time
from asyncio import StreamReader, StreamWriter

PORT = 6000
_FILES = 20_000
_AT_ONCE = 1_000
"""So many are being opened at the same time; the others wait for their turn."""
_BACKLOG = 4_096
_SECONDS = 20.0
"""For one connection, and for all answers: whatever is lost meanwhile, TCP sends again."""
_BYTE = b"x"


async def serve() -> None:
    """Answer every connection's byte, until killed."""

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(await reader.read(1))

    server = await asyncio.start_server(answer, port=PORT, backlog=_BACKLOG)
    print("listening", flush=True)
    await server.serve_forever()


async def ask(address: str, number: int) -> tuple[int, float]:
    """Open connections: how many failed, and the seconds until all were open."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def opened() -> tuple[StreamReader, StreamWriter]:
        async with turn:
            return await asyncio.wait_for(asyncio.open_connection(address, PORT), _SECONDS)

    async def is_answered(connection: tuple[StreamReader, StreamWriter]) -> bool:
        reader, writer = connection
        writer.write(_BYTE)
        return await reader.read(1) == _BYTE

    start = time.monotonic()
    tried = await asyncio.gather(*(opened() for _ in range(number)), return_exceptions=True)
    seconds = time.monotonic() - start
    is_open = [one for one in tried if not isinstance(one, BaseException)]
    asked = (asyncio.wait_for(is_answered(one), _SECONDS) for one in is_open)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    return number - sum(answer is True for answer in answers), seconds


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))
    if sys.argv[1] == "serve":
        asyncio.run(serve())
    else:
        print(*asyncio.run(ask(sys.argv[1], int(sys.argv[2]))))
