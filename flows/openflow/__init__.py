"""Matches, actions and flows as OpenFlow has them: plain values, their text, and their bytes' layout."""
