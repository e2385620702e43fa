"""From a recipe to a model file: data, batches, optimiser, weight averages, the loop."""
