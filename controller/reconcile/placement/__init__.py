"""Where the ports are, and what follows from that for their hosts."""
