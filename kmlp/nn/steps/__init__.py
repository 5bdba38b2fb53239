"""A step of training: what schedules make of its numbers, how rows are mixed, what it does to every
weight."""
