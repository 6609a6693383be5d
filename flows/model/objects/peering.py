"""Peerings: two subnets of different VPCs that may exchange packets."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from flows.model.objects.types import NAME_PATTERN, Declared, Reference, is_name, what
from flows.model.problem import shown


def _end(value: Any) -> Any:
    names = value.split("/") if isinstance(value, str) else []
    if (value is None or isinstance(value, str | list | dict)) and not (len(names) == 2 and all(map(is_name, names))):
        end = what(value) if not isinstance(value, str) else shown(value)
        raise ValueError(f"{end} is not an end of a peering; write its VPC and subnet like blue/web")
    return value


_PART = NAME_PATTERN[1:-1]

SubnetRef = Annotated[str, BeforeValidator(_end), WithJsonSchema({"type": "string", "pattern": f"^{_PART}/{_PART}$"})]
"""A subnet, written ``vpc/subnet``."""


class Peering(Declared):
    """A connection between two subnets, each written ``vpc/subnet``.

    It carries packets once both subnets have a route that names it, and is not transitive.
    """

    kind = "peering"

    between: Annotated[
        tuple[SubnetRef, ...],
        Field(
            min_length=2,
            max_length=2,
            description="The two subnets, each written VPC/SUBNET, of different VPCs and with different ranges.",
            examples=[["blue/web", "green/db"]],
        ),
        Reference("subnet"),
    ]

    def other(self, subnet: str) -> str:
        """The other end, for one end written ``vpc/subnet``."""
        first, second = self.between
        return second if subnet == first else first
