"""The only place with priority numbers. Higher wins; a table's miss is 0."""

from ipaddress import IPv4Network, IPv6Network

MISS = 0
LEARNED = 1
"""What the switch learned by itself."""
LAST_RESORT = 5
"""What is left when not even a fallback applies, but before the miss."""
FALLBACK = 10
"""What applies when no object claims the packet."""
_LPM = 100
NORMAL = 1000
"""One object's own rule."""
GUARD = 2000
"""What must not happen although a normal rule would allow it."""
EXCEPTION = 3000
"""What may happen although a guard forbids it."""


def lpm(prefix: IPv4Network | IPv6Network) -> int:
    """Longest prefix match: a longer prefix gets a higher priority; between FALLBACK and NORMAL.

    Leaves a place between two lengths for :func:`lpm_refined`.
    """
    return _LPM + 2 * prefix.prefixlen


def lpm_refined(prefix: IPv4Network | IPv6Network) -> int:
    """As :func:`lpm`, above the plain rule for the same prefix and below the next longer one."""
    return lpm(prefix) + 1
