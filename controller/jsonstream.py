"""Where a JSON object ends in a stream of them (RFC 7047 section 4), found by whole chunks, which is fast."""

import json
from collections.abc import Iterator
from typing import Any

_DECODER = json.JSONDecoder()


class Brackets:
    """Counts the brackets of a stream of JSON objects that are outside of its texts."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_text = False
        self._carried = b""

    @property
    def are_open(self) -> bool:
        """Whether the last object has not ended."""
        return bool(self._depth or self._in_text or self._carried)

    def count(self, chunk: bytes) -> None:
        """Count those of the next chunk."""
        chunk = (self._carried + chunk).replace(b"\\\\", b"")
        # A backslash at the end belongs to what comes next.
        self._carried = b"\\" if chunk.endswith(b"\\") else b""
        parts = chunk.replace(b'\\"', b"").split(b'"')
        outside = b"".join(parts[1 if self._in_text else 0 :: 2])
        self._depth += outside.count(b"{") - outside.count(b"}")
        self._in_text ^= len(parts) % 2 == 0


class Splitter:
    """Cuts a stream of JSON objects, which nothing stands between, into values.

    A message is seen once no other one has begun behind it; what has begun goes on to its end.
    """

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._brackets = Brackets()

    def feed(self, chunk: bytes) -> list[Any]:
        """The values that are whole by what comes next."""
        self._chunks.append(chunk)
        self._brackets.count(chunk)
        if self._brackets.are_open:
            return []
        text = b"".join(self._chunks).decode()
        self._chunks.clear()
        return list(_values(text))


class Parser:
    """One JSON object out of a stream, with the interface of python-ovs's ``ovs.json.Parser``."""

    def __init__(self) -> None:
        self._text = ""
        self._brackets = Brackets()
        self._value: Any = None

    def feed(self, text: str) -> int:
        """Take in what comes next; how many of these characters belong to the object."""
        before = len(self._text)
        self._text += text
        self._brackets.count(text.encode())
        may_have_ended = not self._brackets.are_open and not self._text.isspace()
        # Another one may have begun behind this one. Elsewhere these two stand side by side within texts only.
        if not may_have_ended and "}{" not in text:
            return len(text)
        try:
            self._value, end = _DECODER.raw_decode(self._text, len(self._text) - len(self._text.lstrip()))
        except ValueError as error:
            if may_have_ended:
                self._value = str(error)
            return len(text)
        return end - before

    def is_done(self) -> bool:
        """Whether the object is whole."""
        return self._value is not None

    def finish(self) -> Any:
        """The object; a sentence when it is none."""
        return self._value


def _values(text: str) -> Iterator[Any]:
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        value, at = _DECODER.raw_decode(text, at)
        yield value
