"""Ports and ICMP messages as a switch matches them: numbers that share their leading bits."""

from collections.abc import Iterator
from dataclasses import dataclass

from flows.model.intervals import Interval, masks

PORT_BITS = 16
ICMP_BITS = 8


@dataclass(frozen=True, slots=True)
class Block:
    """Numbers that have their first bits in common: 8000-8007. What an address prefix is for addresses."""

    network_address: int
    """The lowest of them."""
    prefixlen: int
    """How many bits they have in common."""
    max_prefixlen: int
    """How many bits they have."""

    @property
    def netmask(self) -> int:
        """The bits that they have in common, set."""
        rest = self.max_prefixlen - self.prefixlen
        return (1 << self.max_prefixlen) - 1 >> rest << rest

    def widened(self, bits: int) -> "Block":
        """The same numbers with so many bits."""
        return Block(self.network_address, self.prefixlen + bits - self.max_prefixlen, bits)

    def __str__(self) -> str:
        last = self.network_address + (1 << self.max_prefixlen - self.prefixlen) - 1
        return f"{self.network_address}" if last == self.network_address else f"{self.network_address}-{last}"


def port_blocks(ports: Interval) -> Iterator[Block]:
    """The fewest blocks that together are exactly these ports."""
    for value, mask in masks(*ports):
        yield Block(value, mask.bit_count(), PORT_BITS)


def icmp_blocks(messages: Interval) -> Iterator[tuple[Block, Block | None]]:
    """The fewest blocks of types that are exactly these messages (type times 256 plus code), each with its codes.

    None: every code.
    """
    for value, mask in masks(*messages):
        size = mask.bit_count()
        kind = Block(value >> ICMP_BITS, min(size, ICMP_BITS), ICMP_BITS)
        yield kind, None if size <= ICMP_BITS else Block(value & 0xFF, size - ICMP_BITS, ICMP_BITS)
