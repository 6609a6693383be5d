"""Peerings: two subnets of different VPCs that may exchange packets."""

from typing import Annotated

from pydantic import Field

from flows.model.types import Declared


class Peering(Declared):
    """A connection between two subnets, each written ``vpc/subnet``.

    It carries packets once both subnets have a route that names it, and is not transitive.
    """

    kind = "peering"

    between: Annotated[tuple[str, ...], Field(min_length=2, max_length=2)]

    def other(self, subnet: str) -> str:
        """The other end, for one end written ``vpc/subnet``."""
        first, second = self.between
        return second if subnet == first else first
