"""What the controller says of itself: the status, the metrics, counts of drops and repairs."""
