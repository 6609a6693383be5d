"""Where the model lives: a database, what was allocated for the model, its history, and the controller's status."""

from controller.store.content import Stored
from controller.store.dry_run import DryRun
from controller.store.errors import StoreError
from controller.store.history import ChangedObject, HistoryEntry
from controller.store.rows.changes import Changes
from controller.store.store import Store
from controller.store.vlans import Vlans
from controller.store.watch import StoreWatch, VlansKept

__all__ = [
    "ChangedObject",
    "Changes",
    "DryRun",
    "HistoryEntry",
    "Store",
    "StoreError",
    "StoreWatch",
    "Stored",
    "Vlans",
    "VlansKept",
]
