"""The ways between hosts: proven before they are used, and watched while they are."""
