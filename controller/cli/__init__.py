"""The command line: one file per verb."""

import gc
import signal

_BETWEEN_COLLECTIONS = 200_000
"""Objects that are made, and not let go, between two looks for garbage: more than the modules are that a verb loads."""


def main() -> None:
    """Run the command line."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Until a verb works, Ctrl-C ends the program without a word: nothing is begun, and modules are half loaded.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Nearly everything is held for long and has no cycles, and there is much of it, the modules first of all.
    gc.set_threshold(_BETWEEN_COLLECTIONS)
    # Only here: it loads what a verb needs.
    from controller.cli.main import main as run

    run()
