"""Packets that rules send to the controller: one handler, and one file, for each reason to send one."""
