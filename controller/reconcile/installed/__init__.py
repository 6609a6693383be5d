"""What a switch holds, as far as is known: read back, compared, repaired."""
