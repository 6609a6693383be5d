"""What one host's database holds: its columns, its interfaces, the facts."""
