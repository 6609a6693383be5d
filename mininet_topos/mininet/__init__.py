"""The same networks in Mininet."""
