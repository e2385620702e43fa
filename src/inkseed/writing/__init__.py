"""Whole numbers: digits drawn in one hand, separated, set on a line, read back."""
