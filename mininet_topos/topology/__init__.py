"""What a lab consists of: pure descriptions, made from a network."""
