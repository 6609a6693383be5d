"""``python -m controller`` is ``ovs-vpc``."""

from controller.cli import main

main()
