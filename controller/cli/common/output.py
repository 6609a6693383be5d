"""What every verb prints with: errors, warnings, exit codes.

What it needs for that is loaded when it is needed: every verb has this module, and most never print an error.
"""

import errno
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from flows.model import Network, Problem

_LARGEST = 64 << 20
"""Bytes of a network file: more than half a million ports take."""

FAILED = 1
"""Exit code: what was asked for was not done, or is not so."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]

FlowsOption = Annotated[bool, typer.Option("--flows", help="Print every flow that is added or removed, in words.")]


def fail(message: str) -> NoReturn:
    """Say what is wrong and end."""
    from rich.text import Text

    from controller.cli.common.consoles import err

    err.print(Text("error:", style="red"), Text(message))
    raise SystemExit(FAILED)


def working(what: str) -> AbstractContextManager[object]:
    """Say what takes its time, as long as it does, to somebody who sees it."""
    if not sys.stderr.isatty():
        return nullcontext()
    from controller.cli.common.consoles import err

    return err.status(what)


def tell(line: str, style: str = "") -> None:
    """Print a line as it is. In colour only where somebody sees it: a hundred thousand lines take rich minutes."""
    from rich.text import Text

    from controller.cli.common.consoles import out

    if out.is_terminal:
        out.print(Text(line, style=style))
    else:
        print(line)


def print_json(data: object) -> None:
    """Print data for a script."""
    print(json.dumps(data, indent=2))


def summary(network: "Network") -> str:
    """How many objects of each kind a network has; of hosts and ports also that there are none."""
    from flows.model.problem import counted

    numbers = {
        "host": len(network.hosts),
        "switch": len(network.switches),
        "router": len(network.routers),
        "VPC": len(network.vpcs),
        "segment": len(network.segments),
        "port": len(network.ports),
        "peering": len(network.peerings),
    }
    return ", ".join(
        counted(number, kind, "switches" if kind == "switch" else "")
        for kind, number in numbers.items()
        if number or kind == "port" or (kind == "host" and not network.switches)
    )


def show_problems(problems: "Sequence[Problem]") -> None:
    """Print errors and warnings, each with its place."""
    if not problems:
        return
    from rich.text import Text

    from controller.cli.common.consoles import err

    for problem in problems:
        if err.is_terminal:
            err.print(Text(str(problem), style="red" if problem.severity == "error" else "yellow"))
        else:
            print(problem, file=sys.stderr, flush=True)


def read_network(path: Path) -> "tuple[Network, str]":
    """A network file, or standard input (``-``), and its text. Warnings are printed; errors end the command."""
    from flows.model.problem import counted

    network, text, problems = check_network(path)
    show_problems(problems)
    if network is None:
        errors = sum(problem.severity == "error" for problem in problems)
        fail(f"{named(path)} has {counted(errors, 'error')}; nothing was changed")
    return network, text


def check_network(path: Path) -> "tuple[Network | None, str, list[Problem]]":
    """A network file (None: it has errors), its text, and all problems. One that cannot be read ends the command."""
    from flows.model import InvalidModel, Problem, parse

    name = named(path)
    try:
        text = _read(path).decode()
    except OSError as error:
        fail(f"cannot read {name}: {error.strerror}")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line, column = before.count(b"\n") + 1, len(before.rpartition(b"\n")[2].decode()) + 1
        byte = error.object[error.start]
        return None, "", [Problem(name, line, column, f"byte 0x{byte:02x} is not UTF-8; save the file as UTF-8")]
    try:
        network, warnings = parse(text, name)
    except InvalidModel as invalid:
        return None, text, list(invalid.problems)
    return network, text, warnings


def named(path: Path) -> str:
    """What a network file is called in messages."""
    return "standard input" if str(path) == "-" else str(path)


def _read(path: Path) -> bytes:
    """What a file holds, unless that is more than any network."""
    with open(0, "rb", closefd=False) if str(path) == "-" else path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise OSError(errno.EFBIG, f"it is larger than {_LARGEST >> 20} MiB, the limit for a network file")
    return content


@contextmanager
def explained() -> Iterator[None]:
    """Print expected errors as one sentence instead of a traceback."""
    try:
        yield
    except Exception as error:
        from controller.store import StoreError
        from flows.model import InvalidModel
        from mininet_topos.errors import LabError

        if isinstance(error, InvalidModel):
            show_problems(error.problems)
            fail("somebody else changed the model meanwhile, and the two changes conflict; nothing was changed")
        if isinstance(error, LabError | StoreError):
            fail(str(error))
        if isinstance(error, OSError) and error.filename is not None:
            fail(f"cannot use {os.fsdecode(error.filename)}: {error.strerror}")
        raise
