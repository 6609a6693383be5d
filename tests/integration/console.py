"""Pages that show commands and what they print: run them as a reader would, and compare.

A line ``...`` stands for any lines. Times, counts of packets and cookies may differ.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.scenario import ROOT

_MARK = "=====next====="
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)

_VARIABLE = (
    (r"time=[\d.]+ ms", "time=T ms"),
    (r"time \d+ms", "time T"),
    (r"rtt min/avg/max/mdev = .* ms", "rtt T"),
    (r"after [\d.]+ s", "after T s"),
    (r"\d+ of \d+ pings", "N of N pings"),
    (r", \d+ packets$", ", N packets"),
    (r"cookie=0x[0-9a-f]+", "cookie=C"),
)

Commands = list[tuple[str, list[str]]]
"""Commands, each with the lines that are shown below it."""


def commands(page: Path) -> Commands:
    """The commands of a page's console blocks."""
    return [command for block in _BLOCK.findall(page.read_text()) for command in _commands(block)]


def _commands(block: str) -> Commands:
    found: Commands = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def run(shown: Commands, base: Path) -> list[str]:
    """What each command prints, all in one shell, which runs like a reader's: in the project, and nothing else runs."""
    script = "".join(f"{command}\necho {_MARK}\n" for command, _ in shown)
    environment = os.environ | {
        "XDG_RUNTIME_DIR": str(base),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "80",
    }
    for inherited in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        environment.pop(inherited, None)
    shell = ["bash", "-c", script]
    if os.geteuid() == 0:
        # Root's labs live in /run: an empty one of our own.
        shell = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /run; exec "$@"', "sh", *shell]
    done = subprocess.run(
        shell, cwd=ROOT, env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    *outputs, rest = done.stdout.split(f"{_MARK}\n")
    assert len(outputs) == len(shown), rest
    return outputs


def compare(shown: Commands, outputs: list[str]) -> None:
    """Fail when a command printed something else than is shown."""
    for (command, lines), output in zip(shown, outputs, strict=True):
        assert re.fullmatch(_pattern(lines), _normal(output)), f"$ {command}\nprints:\n{output}\ninstead of:\n{lines}"


def rewrite(page: Path, shown: Commands, outputs: list[str]) -> None:
    """Write into a page what its commands print; what already matches, with its dots, stays as it is."""
    printed = iter(zip(shown, outputs, strict=True))

    def block(match: re.Match[str]) -> str:
        parts = []
        for _ in _commands(match[1]):
            (command, lines), output = next(printed)
            fits = re.fullmatch(_pattern(lines), _normal(output))
            text = "".join(f"{line}\n" for line in lines) if lines and fits else output
            parts.append(f"$ {command}\n{text}")
        return f"```console\n{''.join(parts)}```"

    page.write_text(_BLOCK.sub(block, page.read_text()))


def _pattern(lines: list[str]) -> str:
    parts = ["(?:.*\n)*?" if line == "..." else re.escape(_normal(line)) + "\n" for line in lines]
    return "".join(parts)


def _normal(text: str) -> str:
    for variable, stands_for in _VARIABLE:
        text = re.sub(variable, stands_for, text, flags=re.MULTILINE)
    return text
