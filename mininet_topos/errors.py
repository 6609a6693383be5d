"""What goes wrong in a lab, in words for its user."""


class LabError(Exception):
    """A lab cannot do what was asked. The text is one clear sentence, with the remedy where there is one."""


class AbandonedError(LabError):
    """The program that asked for the lab ended before it was ready."""
