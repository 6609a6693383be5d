"""Both directions of a port with security groups are tracked from the same moment.

The kind of fault: a host tracks what a port gets while it waits, for other hosts, with what the port sends. Connection
tracking then takes answers for new connections, which the groups refuse.
"""

from flows.model import parse
from flows.pipeline.page import is_receiving, table_name
from tests.scenario import SCENARIOS, compiled

TEXT = (SCENARIOS / "security-groups.yaml").read_text()


def test_a_port_gets_its_first_groups_in_one_step() -> None:
    plain = TEXT.replace(", groups: [web]}", "}").replace(", groups: [db]}", "}").replace(", labels: {app: batch}", "")
    before, after = (compiled(parse(text, "n.yaml")[0], "h1").flows for text in (plain.replace("[quiet]", "[]"), TEXT))
    added = [flow for cookie, flow in after.items() if cookie not in before]
    assert {"port_security", "gateway", "sender_track", "neigh_table", "receiver_track", "commit"} <= {
        flow.text(table_name).partition(",")[0].removeprefix("table=") for flow in added
    }
    assert [flow.text(table_name) for flow in added if not is_receiving(flow)] == []
