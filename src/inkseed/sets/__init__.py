"""Labelled sets of numbers in bulk: templates, shards, a manifest, and the formats of trainers."""
