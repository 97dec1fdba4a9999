"""What a circuit is worth: objectives and their fronts, and how it holds under other noise."""
