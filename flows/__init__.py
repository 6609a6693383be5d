"""The pure core: from what the user declared to the flows that each switch must hold."""
