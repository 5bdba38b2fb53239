"""The analyses beside the comparison of variants, one file each: its numbers, and its words."""
