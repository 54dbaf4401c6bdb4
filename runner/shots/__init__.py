"""Pictures of what a model built."""
