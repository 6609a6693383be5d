"""Who reaches whom by the model alone, and the smallest change that lets a packet pass."""
