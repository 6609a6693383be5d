"""A port sends from the host that it is announced to move to: the move is over."""

from controller.reconcile.packetin.handling import Packet, ShownUp


def handle(packet: Packet) -> ShownUp:
    """Which port it is says the rule; whatever it sent shows that it is there."""
    return ShownUp(str(packet.values["port"]))
