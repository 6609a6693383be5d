"""What must hold in one host's database, and how it is kept so."""
