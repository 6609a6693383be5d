"""Looks at a host before it joins and after: what is not as the host contract wants it, and what mends it."""

from controller.inspect.checkup.checks import check
from controller.inspect.checkup.finding import Finding
from controller.inspect.checkup.look import Look, SilentError, look

__all__ = ["Finding", "Look", "SilentError", "check", "look"]
