"""The loop that keeps every switch as the model wants it."""
