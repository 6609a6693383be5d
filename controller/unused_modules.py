"""Modules that os-ken loads although nothing of what is used here needs them.

A controller that starts has nothing more urgent than to know again what switches hold, and these would take it a third
of the time in which it loads os-ken. Only the process of a controller does without them.
"""

import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType, SimpleNamespace

_UNUSED = ("rfc3986", "stevedore")
"""Of oslo.config: options that are web addresses, and drivers for where options come from."""


class _NoPacket:
    """In place of os-ken's packets, as which nothing is sent here: frames are bytes."""


def leave_out() -> None:
    """Put next to nothing in the places of these modules. To be called before os-ken is loaded."""
    for name in _UNUSED:
        sys.modules[name] = ModuleType(name)
    # All protocols that os-ken knows, BGP's among them. What else the package has is loaded where it is asked for.
    package = find_spec("os_ken.lib.packet")
    assert package is not None
    packets = sys.modules[package.name] = module_from_spec(package)
    packets.__dict__["packet"] = SimpleNamespace(Packet=_NoPacket)
