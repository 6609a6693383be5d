"""Random security groups that change at random, with real connections and pings: what passes is what the model says."""

from random import Random

import pytest

from controller.cli.lab.ping import ping_all, plugged
from flows.model.reach.reachability import reached_services
from flows.model.services import EVERYTHING
from mininet_topos.probes.checking import check, declared
from mininet_topos.waiting import patience
from tests.integration.test_plan import apply
from tests.integration.vpclab import VpcLab
from tests.random_changes import Changing

pytestmark = pytest.mark.lab

CHANGES, ALL_CHANGES, CONNECTIONS = 3, 40, 500


def compare(changing: Changing, number: int) -> None:
    lab = VpcLab(changing.text)
    # The lab takes ports away while their switch still looks at them.
    lab.allow(r"(netdev_linux|dpif_netdev)\|(WARN|ERR)\|.*(Network is down|No such device)")
    outcomes, restricted = set(), 0
    try:
        for count in range(number):
            how = changing.change()
            apply(lab, changing.text)
            ports = plugged(lab.store, lab.network)
            assert [pair for pair in ping_all(lab.lab, lab.network, ports, ports) if not pair.is_right] == [], how
            attempts, _ = declared(lab.network, [port.name for port in ports], CONNECTIONS, Random(count))
            found = check(lab.network, attempts, lambda some: lab.lab.connect(some, patience(1.0)))
            assert [one for one in found if not one.is_right] == [], (how, changing.text)
            outcomes |= {one.outcome for one in found}
            pairs = [(one, other) for one in ports for other in ports if one is not other]
            restricted += sum(reached_services(lab.network, *pair) != EVERYTHING for pair in pairs)
        assert outcomes == {"answered", "silent"}
        assert restricted
        lab.examine()
    finally:
        lab.down()


def test_connections_are_as_the_model_says() -> None:
    compare(Changing(3, groups=True), CHANGES)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_connections_are_as_the_model_says_on_40_changes() -> None:
    compare(Changing(12, groups=True), ALL_CHANGES)
