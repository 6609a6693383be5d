"""What the README shows is what a newcomer gets: its commands are run in order and print what it says.

A line ``...`` stands for any lines. Times, counts of lost packets and cookies may differ.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenario import ROOT

pytestmark = pytest.mark.lab

VARIABLE = (
    (r"time=[\d.]+ ms", "time=T ms"),
    (r"time \d+ms", "time T"),
    (r"after [\d.]+ s", "after T s"),
    (r"\d+ of \d+ pings", "N of N pings"),
    (r"cookie=0x[0-9a-f]+", "cookie=C"),
)


def commands() -> list[tuple[str, list[str]]]:
    """The commands of the README's console blocks, each with the lines it shows."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def pattern(lines: list[str]) -> str:
    parts = [".*\n" if line == "..." else re.escape(normal(line)) + "\n" for line in lines]
    return "".join(part if part != ".*\n" else "(?:.*\n)*?" for part in parts)


def normal(text: str) -> str:
    for variable, stands_for in VARIABLE:
        text = re.sub(variable, stands_for, text)
    return text


def test_readme(tmp_path: Path, base: Path) -> None:
    """All commands in one shell, which runs like a newcomer's: in the project, with nothing else running."""
    shown = commands()
    assert len(shown) > 8
    mark = "=====next====="
    script = "".join(f"{command}\necho {mark}\n" for command, _ in shown)
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
    (ROOT / "my.yaml").unlink(missing_ok=True)
    outputs = done.stdout.split(f"{mark}\n")
    for (command, lines), output in zip(shown, outputs, strict=False):
        assert re.fullmatch(pattern(lines), normal(output)), f"$ {command}\nprints:\n{output}\ninstead of:\n{lines}"
    assert len(outputs) == len(shown) + 1
