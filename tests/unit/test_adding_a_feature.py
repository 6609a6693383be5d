"""docs/adding-a-feature.md is true: its example, applied to a copy of the project, passes its checks and works."""

import difflib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.scenario import ROOT

PAGE = ROOT / "docs" / "adding-a-feature.md"
_NEW = re.compile(r"^New file `([^`]+)`:$")
_NAMED = re.compile(r"`([^`]+\.py)`[^`]*:$")
_SCENARIO = "tests/golden/networks/black-hole.yaml"

OLD = """\
hosts:
  h1: {tunnel_ip: 192.0.2.1}
  h2: {tunnel_ip: 192.0.2.2}
vpcs:
  blue: {id: 1, subnets: {web: {cidr: 10.0.1.0/24}}}
  green: {id: 2, subnets: {web: {cidr: 10.0.1.0/24}}}
ports:
  a: {vpc: blue, ips: [10.0.1.10], host: h1}
  b: {vpc: green, ips: [10.0.1.20], host: h2}
"""
NEW = OLD + "black_holes:\n  printer: {vpc: blue, to: 10.0.1.20/32}\n"
WRONG = "  scanner: {vpc: blu, to: 10.0.1.21/32}\n"

COMPARE = """
from flows.model import parse
from controller.inspect.planning import plan_between
from tests.properties.test_plan import compare_flows
old, new = (parse(open(name).read(), name)[0] for name in ("old.yaml", "new.yaml"))
for one, other in ((old, new), (new, old)):
    planned = plan_between(one, other)
    assert set(planned.flows) == {"h1"}
    assert compare_flows(planned, one, other) == 1
"""


@dataclass
class Blocks:
    """What the page says: files to be made, changes of others, and text that is printed."""

    new: dict[str, str] = field(default_factory=dict)
    changes: list[tuple[str, str]] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)


def read(page: str) -> Blocks:
    """The code blocks of a page. A change belongs to the file that was last named before it."""
    blocks, new, named = Blocks(), "", ""
    for text in re.split(r"^(```.*?^```)$", page, flags=re.MULTILINE | re.DOTALL):
        if text.startswith("```"):
            kind, _, body = text.removesuffix("```").removeprefix("```").partition("\n")
            if kind == "diff":
                blocks.changes.append((named, body))
            elif new:
                blocks.new[new] = body
            elif not kind:
                blocks.printed.append(body.strip())
            new = ""
            continue
        for line in text.splitlines():
            new = found.group(1) if (found := _NEW.match(line)) else new
            named = found.group(1) if (found := _NAMED.search(line)) else named
    return blocks


def change(text: str, hunk: str) -> str:
    """A file with one change: lines that stay begin with a blank, others with + or -."""
    before, after = (
        "".join(f"{line[1:]}\n" for line in hunk.splitlines() if line[:1] in ("", " ", sign)) for sign in "-+"
    )
    assert text.count(f"\n{before}") == 1, f"not once in the file:\n{before}"
    return text.replace(f"\n{before}", f"\n{after}")


class Copy:
    """A copy of the project that runs for itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
        for name in listed.stdout.splitlines():
            if (ROOT / name).is_file():
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, path / name)

    def run(self, program: str, *words: str, code: int = 0) -> str:
        """Run a program of the virtual environment in the copy. Returns what it printed."""
        command = [str(Path(sys.executable).with_name(program)), *words]
        environment = {**os.environ, "PYTHONPATH": str(self.path), "COLUMNS": "200", "NO_COLOR": "1"}
        done = subprocess.run(command, cwd=self.path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


@pytest.mark.timeout(600)
def test_the_example(tmp_path: Path) -> None:
    """It needs three new files and three touched ones, and its flows are in a plan without a line in the preview."""
    blocks, copy = read(PAGE.read_text()), Copy(tmp_path)
    for name, body in blocks.new.items():
        assert not (tmp_path / name).exists()
        (tmp_path / name).write_text(body)
    for name, hunk in blocks.changes:
        (tmp_path / name).write_text(change((tmp_path / name).read_text(), hunk))
    added, touched = sorted(blocks.new.keys() - {_SCENARIO}), sorted({name for name, _ in blocks.changes})
    print(f"{len(added)} new files: {', '.join(added)}; {len(touched)} touched: {', '.join(touched)}")
    assert len(added) == 3
    assert len(touched) == 3
    says_what_is_wrong(copy, blocks)
    passes_the_checks(copy)
    changes_flows(copy, blocks)
    is_planned(copy, blocks)


def passes_the_checks(copy: Copy) -> None:
    copy.run("ruff", "format", "--check", "flows")
    copy.run("ruff", "check", "flows")
    copy.run("mypy", "-p", "flows")
    assert "0 broken" in copy.run("lint-imports")


def says_what_is_wrong(copy: Copy, blocks: Blocks) -> None:
    good = blocks.new[_SCENARIO]
    (copy.path / "black-hole.yaml").write_text(good.replace("blue, to: 10.0.1.20", "blue, too: 10.0.1.20") + WRONG)
    said = copy.run("ovs-vpc", "validate", "black-hole.yaml", code=1)
    (expected,) = (text for text in blocks.printed if "did you mean" in text)
    for line in expected.splitlines():
        assert line in said


def changes_flows(copy: Copy, blocks: Blocks) -> None:
    """The golden files of other networks get the new table's miss, and nothing else."""
    flows = copy.path / "tests" / "golden" / "expected"
    before = {path.name: path.read_text().splitlines() for path in flows.glob("*.flows")}
    copy.run("pytest", "-q", "-p", "no:cacheprovider", "tests/golden", "tests/unit/test_features.py", "--regenerate")
    (expected,) = (text for text in blocks.printed if text.startswith("# black_hole"))
    assert expected in (flows / "black-hole.flows").read_text()
    for name, old in before.items():
        for line in difflib.ndiff(old, (flows / name).read_text().splitlines()):
            known = ("black_hole", "not in a black hole", "goto_table:route_table")
            assert line.startswith(("  ", "? ")) or any(one in line for one in known), (name, line)


def is_planned(copy: Copy, blocks: Blocks) -> None:
    """A plan names the flow, and finds just what a compile of everything finds, on the one host that has the VPC."""
    (copy.path / "old.yaml").write_text(OLD)
    (copy.path / "new.yaml").write_text(NEW)
    said = copy.run("ovs-vpc", "plan", "new.yaml", "--against", "old.yaml", "--flows", code=2)
    (expected,) = (text for text in blocks.printed if text.startswith("+ "))
    assert expected.removeprefix("+ ") in said
    (copy.path / "compare.py").write_text(COMPARE)
    copy.run("python", "compare.py")
