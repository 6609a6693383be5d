"""From units to the flows that a switch must hold, from scratch or change by change."""
