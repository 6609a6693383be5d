"""Verbs that change the model, and show before what that does."""
