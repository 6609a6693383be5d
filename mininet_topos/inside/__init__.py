"""What runs inside a lab: its init, and what that builds."""
