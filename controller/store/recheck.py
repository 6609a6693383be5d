"""Checking a model that two users made together: each part was checked, the whole was not."""

from controller.store.rows.mapping import sections
from flows.model import InvalidModel, Network, check
from flows.model.file.source import Source


def recheck(network: Network) -> None:
    """Raises :class:`InvalidModel` when the objects of a network do not fit together."""
    source = Source("the model")
    for section in sections():
        for name, item in getattr(network, section).items():
            source.keys[(section, name)] = (item.origin.line, 1)
    if found := check.problems(network, source, set()):
        raise InvalidModel(found)
