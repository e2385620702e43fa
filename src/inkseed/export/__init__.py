"""Write what was generated, or what generates: arrays, figures, folders, GIFs; ONNX; a page."""
