"""What a change would do to the flows of every switch, before it is made."""
