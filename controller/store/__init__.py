"""Where the model lives: a database, what was allocated for the model, its history, and the controller's status."""

from controller.store.content import Stored
from controller.store.errors import StoreError
from controller.store.history import Difference, Entry
from controller.store.outlook import Outlook
from controller.store.rows.changes import Changes
from controller.store.store import Store
from controller.store.vlans import Vlans
from controller.store.watch import StoreWatch, VlansKept

__all__ = [
    "Changes",
    "Difference",
    "Entry",
    "Outlook",
    "Store",
    "StoreError",
    "StoreWatch",
    "Stored",
    "Vlans",
    "VlansKept",
]
