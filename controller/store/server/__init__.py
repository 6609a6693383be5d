"""The store's database server: started, locked, and spoken with."""
