"""The objects of a network file, one file per kind."""
