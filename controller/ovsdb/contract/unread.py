"""Does an ovs-vswitchd take in what is written into its database?"""

from time import monotonic

from controller.ovsdb.database.columns import Replica

UNREAD = 10.0
"""Seconds that ovs-vswitchd has to read anything that was written, until a problem is reported."""

NOT_READ = (
    "no ovs-vswitchd reads its database: it is down, hangs, or was started on another database; "
    "'pgrep -a ovs-vswitchd' on the host shows its database, "
    "'systemctl restart openvswitch-switch' starts it on the usual one"
)


class UnreadChanges:
    """What one host's ovs-vswitchd has not read (``cur_cfg`` and ``next_cfg``, ovs-vswitchd.conf.db(5))."""

    def __init__(self, database: Replica) -> None:
        self._database = database
        self._behind: int | None = None
        """What ``cur_cfg`` is, while not all that was written was read."""
        self._since = 0.0
        self.is_unread = False
        """Whether nothing at all was read for too long."""

    @property
    def due_at(self) -> float | None:
        """When to look again, even if nothing comes."""
        return None if self._behind is None or self.is_unread else self._since + UNREAD

    def look(self) -> bool:
        """Find out whether ovs-vswitchd reads what is written; progress counts. Returns whether that is news."""
        rows = self._database.tables["Open_vSwitch"].rows.values()
        behind = next((int(row.cur_cfg) for row in rows if row.cur_cfg < row.next_cfg), None)
        if behind != self._behind:
            self._behind, self._since = behind, monotonic()
        is_unread = behind is not None and monotonic() - self._since >= UNREAD
        is_news, self.is_unread = is_unread != self.is_unread, is_unread
        return is_news

    def lost(self) -> None:
        """The database is out of reach: nothing is known."""
        self._behind, self.is_unread = None, False
