"""Another build of this project: the same tables under other numbers."""

import re
import shutil
from pathlib import Path

PACKAGES = ("controller", "flows", "mininet_topos")
ROOT = Path(__file__).parents[2]
RENUMBERED = {
    "gateway": 31,
    "arp_proxy": 34,
    "tunnel_source": 40,
    "route_table": 42,
    "subnet_route": 44,
    "neigh_table": 52,
    "receiver_track": 53,
    "receiver_rules": 54,
    "receiver_verdict": 60,
    "deliver": 65,
}
"""Numbers that mostly are those of other tables in this build."""


def another_build(directory: Path) -> None:
    """Make a source tree that differs from this one in the order of its tables."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    page = directory / "flows" / "pipeline" / "page.py"
    text = page.read_text()
    for name, number in RENUMBERED.items():
        text, found = re.subn(rf'(= Table\(\n    "{name}",\n    )\d+,', rf"\g<1>{number},", text)
        assert found == 1, name
    begin, end = (text.index(part) for part in ("TABLES: tuple", "NUMBERS ="))
    in_order = text[begin:end].replace("TABLES: tuple[Table, ...] = (", "TABLES: tuple[Table, ...] = tuple(sorted((")
    in_order = in_order.replace("\n)\n", "\n), key=lambda table: table.number))\n")
    page.write_text(text[:begin] + in_order + text[end:])
