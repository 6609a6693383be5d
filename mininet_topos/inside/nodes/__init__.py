"""The nodes of a lab's network: hosts, plain switches, routers, and the networks between them."""
