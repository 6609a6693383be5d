"""One file per table, of the table's name: its rules, and which units get them."""

from importlib import import_module
from types import ModuleType

from flows.pipeline.page import TABLES

MODULES: tuple[ModuleType, ...] = tuple(import_module(f"{__name__}.{table.name}") for table in TABLES)
"""The files of all tables, in the order of the page."""
