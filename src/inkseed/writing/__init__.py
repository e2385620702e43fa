"""Whole numbers: digits drawn in one hand, told apart, set on a line, read back."""
