"""What compiled flows do with packets, in plain Python: the semantics of every match and action that we use.

A packet is a value of named fields (:mod:`packet`), found in a frame's bytes (:mod:`extract`). One switch is a set of
flows (:mod:`tables`) through which packets go (:mod:`switch`), learning included. It does what Open vSwitch does:
tests/trace compares it with ``ofproto/trace``.
"""

from flows.simulate.extract import extract
from flows.simulate.packet import Packet, Unsupported
from flows.simulate.packet_executor import Copy, TableLookup
from flows.simulate.switch import Switch, Walk, walk

__all__ = ["Copy", "Packet", "Switch", "TableLookup", "Unsupported", "Walk", "extract", "walk"]
