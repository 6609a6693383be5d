"""The tables, their rules, and the language in which rules are written."""
