"""Generated images to files: arrays, figures, folders, GIFs."""
