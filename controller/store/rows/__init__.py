"""The store's rows: their schema, their values, and what a change of them is."""
