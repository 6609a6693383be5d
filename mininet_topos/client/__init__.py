"""The lab as its user sees it: up, down, run something in it."""
