"""Verbs that run something for long: the controller, the demo."""
