"""What runs on this machine."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def commands() -> Iterator[tuple[int, list[str]]]:
    """Every process that is seen from here, with its command and arguments."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield int(file.parent.name), file.read_text(errors="replace").split("\0")
