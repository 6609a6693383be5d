"""Everything that talks to something: switches, databases, the store, the user."""
