"""What is programmed: hosts and plain switches, and which session is whose."""
