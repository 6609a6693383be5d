"""The numbers that stand for names in flows."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tags:
    """Numbers that the store gives and keeps, all from 1.

    Those of VPCs (by name), subnets (by ``vpc/subnet``), segments and security groups (by name) are never given again.
    """

    vpcs: Mapping[str, int]
    subnets: Mapping[str, int]
    segments: Mapping[str, int] = field(default_factory=dict)
    vlans: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """The VLAN that each host (by name) gives a segment (by name). Without one a segment is not yet there."""
    groups: Mapping[str, int] = field(default_factory=dict)
    """Of security groups."""
