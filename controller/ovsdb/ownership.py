"""Does the database that answers belong to this host, or to another one?

Two names may lead to one database: by a template for all hosts without ``{name}`` and ``{ip}``, by two names or
forwarded ports for one machine. Then two sessions would write two contracts, one over the other. So each takes the
database's lock first (RFC 7047, 4.1.8), which a server gives to one session at a time. Row ids would not tell: copied
machines have the same ones.

Who was there first is not left to chance: a database whose integration bridge has another host's datapath id is left
alone until that host's own database has answered.
"""

from collections.abc import Mapping
from time import monotonic

from controller.ovsdb.database.columns import Replica, is_live
from flows.model.contract import INTEGRATION_BRIDGE, datapath_id

_LOCK = "ovs_vpc"
PATIENCE = 3.0
"""Seconds until it is said that a host waits for another one's database."""
_FOREIGN = 1.0
"""Seconds until a lock that no session of this controller has counts as that of another controller."""
RETRY = 3.0
"""Seconds until a host that was refused looks whether its name leads elsewhere now."""


class Ownership:
    """One host's claim to the database that answers for it."""

    def __init__(self, host: str, target: str, database: Replica, others: Mapping[str, "Ownership"]) -> None:
        """``others``: those of all hosts, this one's among them."""
        self._host, self._target, self._database, self._others = host, target, database, others
        self._is_without_lock = False
        """Whether another controller has the lock, and so it is no sign."""
        self._since: float | None = None
        """Since when the connection stands without a decision."""

    @property
    def is_decided(self) -> bool:
        """Whether the database is this host's."""
        return is_live(self._database) and (self._is_without_lock or bool(self._database.has_lock))

    @property
    def is_waiting(self) -> bool:
        """Whether to look again in a moment, even if no message comes."""
        return is_live(self._database) and not self.is_decided

    def lost(self) -> None:
        """The connection has ended: the next one may lead to another database."""
        self._database.forget_lock()
        self._is_without_lock = False
        self._since = None

    def refusal(self) -> str | None:
        """Why the database must not be used: a sentence, empty as long as that is not known. None: it may be used."""
        if self.is_decided:
            return None
        now = monotonic()
        self._since = self._since or now
        if self._database.lock_name is None:
            owner = self._owner()
            if owner is not None and not owner.is_settled_elsewhere:
                return self._waits_for(owner, now)
            self._database.set_lock(_LOCK)
            return ""
        if not self._database.is_lock_contended:
            return ""
        holder = next((other for other in self._others.values() if other.is_decided and self._is_same(other)), None)
        if holder is not None:
            if now - self._since > RETRY:
                self._since = None
                self._database.force_reconnect()
            return (
                f"its database at {self._target} is the one of host {holder._host}, which keeps it; give each host a "
                "tunnel_ip of its own, or --ovsdb an address with {name} or {ip}"
            )
        if now - self._since > _FOREIGN:
            self._database.set_lock(None)
            self._is_without_lock = True
            return None
        return ""

    @property
    def is_settled_elsewhere(self) -> bool:
        """Whether a lock tells this host's database from another one: it has the lock, or is elsewhere."""
        says_another = is_live(self._database) and self._said() not in (None, datapath_id(self._host))
        return self.is_decided or says_another

    def _owner(self) -> "Ownership | None":
        """The other host that the database says it is of."""
        said = self._said()
        if said in (None, datapath_id(self._host)):
            return None
        return next((one for name, one in self._others.items() if datapath_id(name) == said), None)

    def _waits_for(self, owner: "Ownership", now: float) -> str:
        assert self._since is not None
        if now - self._since <= PATIENCE:
            return ""
        return (
            f"its database at {self._target} is that of host {owner._host}, by the datapath id of "
            f"{INTEGRATION_BRIDGE}; nothing is changed there until the one of {owner._host} answers; if this one is a "
            f"copy, run on it: ovs-vsctl del-br {INTEGRATION_BRIDGE}"
        )

    def _is_same(self, other: "Ownership") -> bool:
        """Whether another session's database may be this one."""
        ours, theirs = (one._database.tables["Open_vSwitch"].rows.keys() for one in (self, other))
        return bool(ours == theirs)

    def _said(self) -> int | None:
        """The datapath id that the integration bridge must have, by the database."""
        for bridge in self._database.tables["Bridge"].rows.values():
            if bridge.name == INTEGRATION_BRIDGE:
                said = bridge.other_config.get("datapath-id", "")
                try:
                    return int(said, 16)
                except ValueError:
                    return None
        return None
