"""A network file as text: where each value stands, and how values are written."""
