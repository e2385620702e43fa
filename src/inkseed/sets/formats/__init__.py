"""Formats in which trainers read labelled images: one file a format, each with its reader."""
