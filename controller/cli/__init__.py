"""The command line: one file per verb."""

from controller.cli.main import main

__all__ = ["main"]
