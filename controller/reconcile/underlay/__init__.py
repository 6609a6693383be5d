"""The paths between hosts: verified before they are used, and watched while they are."""
