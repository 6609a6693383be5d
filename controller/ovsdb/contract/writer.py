"""Writing to a host's database: only what differs, and remembering in words what that was."""

from typing import Any

from ovs.db.idl import Idl, Transaction

from controller.ovsdb.database.columns import Row


class Writer:
    """One transaction on a host's database. Maps and sets are written key by key: other keys stay as they are."""

    def __init__(self, database: Idl) -> None:
        self._database = database
        self.transaction = Transaction(database)
        self.changes: list[str] = []
        """What was written, in words, for the operator and for the database's own log (``ovsdb-tool show-log``)."""
        self._is_to_be_read = False

    def put(self, row: Row, column: str, value: Any, name: str) -> None:
        """Gives a column its value; ``name`` says whose column that is."""
        before = getattr(row, column, None)  # a row that this transaction inserts has no values yet
        if before == value or (isinstance(value, list) and before is not None and sorted(before) == sorted(value)):
            return
        setattr(row, column, value)
        self._changed(f"{name} {column}", before, value)

    def put_key(self, row: Row, column: str, key: str | int, value: Any, name: str) -> None:
        """Gives one key of a map its value."""
        before = getattr(row, column, {}).get(key)
        if before != value:
            row.setkey(column, key, value)
            self._changed(f"{name} {column}:{key}", before, value)

    def drop_key(self, row: Row, column: str, key: str, name: str) -> None:
        """Takes one key out of a map."""
        before = getattr(row, column, {}).get(key)
        if before is not None:
            row.delkey(column, key)
            self._changed(f"{name} {column}:{key}", before, None)

    def add(self, table: str, name: str) -> Row:
        """A new row; the caller must refer to it, or the database removes it again."""
        self.changes.append(f"{name} added")
        return self.transaction.insert(self._database.tables[table])

    def add_port(self, name: str, kind: str) -> Row:
        """A new port with one interface of its name and of some type; the caller must refer to the port."""
        interface = self.add("Interface", f"interface {name}")
        interface.name = name
        interface.type = kind
        port = self.add("Port", f"port {name}")
        port.name = name
        port.interfaces = [interface]
        return port

    def remove(self, row: Row, column: str, member: Row, name: str) -> None:
        """Takes a row out of a set of references."""
        row.delvalue(column, member)
        self.changes.append(f"{name} removed")

    def ask_to_be_read(self, switch: Row) -> None:
        """Has ovs-vswitchd say by ``cur_cfg`` once it has taken in what this transaction writes.

        python-ovs counts up only along with another change, and only once in a transaction.
        """
        if not self._is_to_be_read:
            self._is_to_be_read = True
            switch.increment("next_cfg")

    def _changed(self, what: str, before: Any, after: Any) -> None:
        self.changes.append(f"{what} {_words(before)} -> {_words(after)}")


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={value[key]}" for key in sorted(value)) or "nothing"
    if isinstance(value, list):
        return ",".join(sorted(str(member) for member in value)) or "nothing"
    return "nothing" if value is None or value == "" else str(value)
