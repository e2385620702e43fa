"""From a recipe to a model file: data, batches, optimiser, averages, the loop."""
