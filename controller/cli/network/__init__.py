"""Verbs that show and check networks."""
