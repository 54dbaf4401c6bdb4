"""What is proven of a scenario, and what a proof says."""
