"""OpenFlow sessions with the switches: os-ken below, plans and cookies above."""
