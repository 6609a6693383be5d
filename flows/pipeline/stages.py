"""The stages of the pipeline: what is decided one after the other. Each table belongs to one.

A rule that is done with its own stage goes to the next one by its name (``goto(Stage.ROUTING)``): that is the stage's
first table, whichever it is. So a table can be put in front of a stage, and the rules before it stay as they are.
"""

from enum import StrEnum


class Stage(StrEnum):
    """A stage, in the order in which a packet meets them."""

    ADMISSION = "admission"
    """Who sends this, and may they?"""
    LEARNING = "learning"
    """Where is the sender of this frame?"""
    SWITCHING = "switching"
    """Which stations of its segment is this frame for?"""
    ADDRESS_RESOLUTION = "address resolution"
    """Who has this address (ARP)?"""
    GATEWAY_SERVICES = "gateway services"
    """What does the gateway itself do with it?"""
    ROUTING = "routing"
    """Where is the receiver?"""
    POLICY = "policy"
    """May these two talk?"""
    TRANSLATION = "translation"
    """Which addresses does it travel under?"""
    DELIVERY = "delivery"
    """Out of which port, and in which form?"""
