"""Capture and view Linux system calls."""
