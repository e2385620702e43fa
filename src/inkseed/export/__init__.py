"""Write generated images to files: arrays, figures, folders, GIFs."""
