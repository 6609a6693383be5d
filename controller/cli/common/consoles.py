"""Where verbs print in colour, and tables. Apart from the rest: rich takes longer to load than some verbs do."""

from rich.console import Console

out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
