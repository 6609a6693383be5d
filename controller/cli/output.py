"""What every verb prints with: errors, warnings, exit codes."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from flows.model import InvalidModel, Network, Problem, parse
from mininet_topos.errors import LabError

FAILED = 1
"""Exit code: what was asked for was not done, or is not so."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def fail(message: str) -> NoReturn:
    """Say what is wrong and end."""
    err.print(f"[red]error:[/red] {_plain(message)}")
    raise SystemExit(FAILED)


def _plain(message: str) -> str:
    return message.replace("[", r"\[")


def print_json(data: object) -> None:
    """Print data for a script."""
    print(json.dumps(data, indent=2))


def show_problems(problems: tuple[Problem, ...] | list[Problem]) -> None:
    """Print errors and warnings, each with its place."""
    for problem in problems:
        err.print(_plain(str(problem)), style="red" if problem.severity == "error" else "yellow")


def read_network(path: Path) -> tuple[Network, str]:
    """A network file: what it declares, and its text. Warnings are printed; errors end the command."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"cannot read {path}: {error.strerror if isinstance(error, OSError) else 'it is not text (UTF-8)'}")
    try:
        network, warnings = parse(text, str(path))
    except InvalidModel as invalid:
        show_problems(invalid.problems)
        errors = sum(problem.severity == "error" for problem in invalid.problems)
        fail(f"{path} has {errors} error{'s' if errors > 1 else ''}; nothing was changed")
    show_problems(warnings)
    return network, text


@contextmanager
def explained() -> Iterator[None]:
    """Print expected errors as one sentence instead of a traceback."""
    try:
        yield
    except LabError as error:
        fail(str(error))
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(FAILED) from None
