"""Compiled programs: of this process, and on the disk for the next one."""
