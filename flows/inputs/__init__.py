"""What compiling starts from, beside the model: facts of the hosts, numbers for names, and where the ports are."""
