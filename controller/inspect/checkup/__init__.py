"""Checks a host against the host contract, before it joins and after: what is wrong, and what mends it."""

from controller.inspect.checkup.checks import check
from controller.inspect.checkup.finding import Finding
from controller.inspect.checkup.host_state import HostState, read_host
from controller.inspect.checkup.run import SilentError

__all__ = ["Finding", "HostState", "SilentError", "check", "read_host"]
