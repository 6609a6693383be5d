"""Why packets come up to the controller: one file per reason."""
