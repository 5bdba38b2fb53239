"""A step of training: what schedules make of its numbers, and what it does to every weight."""
