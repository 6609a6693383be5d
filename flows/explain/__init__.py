"""Flows and tables in words."""
