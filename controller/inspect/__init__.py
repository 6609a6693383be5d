"""What a change would do, what a switch must hold, and whether a host is fit: asked by commands."""
