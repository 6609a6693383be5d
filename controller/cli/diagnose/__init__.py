"""Verbs that tell what is, and why."""
