"""Six hosts, forty ports, four VPCs, three peerings: every pair as the model says (S6, S8, S9)."""

import time
from collections.abc import Callable

import pytest

from controller.cli.lab.ping import ping_all, plugged
from tests.integration.vpclab import VpcLab, wrong
from tests.scenario import SHIPPED

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]

TEXT = (SHIPPED / "six-hosts.yaml").read_text()


@pytest.mark.system("S6", "S8", "S9")
@pytest.mark.parametrize("encapsulation", ["vxlan", "gre"])
def test_every_pair_is_as_the_model_says(labs: Labs, encapsulation: str) -> None:
    started = time.monotonic()
    lab = labs(TEXT.replace("encapsulation: vxlan", f"encapsulation: {encapsulation}"))
    built = time.monotonic()
    ports = plugged(lab.store, lab.network)
    pairs = ping_all(lab.lab, lab.network, ports, ports)
    print(f"{encapsulation}: up in {built - started:.1f} s, {len(pairs)} pairs in {time.monotonic() - built:.1f} s")
    again = [(pair.source, pair.target, pair.tries) for pair in pairs if pair.tries > 1]
    print(f"asked again: {again}")
    assert len(pairs) == 40 * 39
    assert wrong(pairs) == []
    # Two peerings of 6 x 4 and one of 5 x 4 pairs, both ways, and those inside the VPCs.
    inside = 14 * 13 + 8 * 7 + 8 * 7 + 10 * 9
    assert sum(pair.answered for pair in pairs) == inside + 2 * (6 * 4 + 5 * 4 + 4 * 6)
