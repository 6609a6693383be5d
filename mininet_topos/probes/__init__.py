"""Packets sent and watched: who reaches whom."""
