"""Which event does what to threads, descriptors and users."""
