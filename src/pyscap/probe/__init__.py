"""Live capture: the kernel programs, their loader, and the snapshot of the system."""
