"""Two models, or several against one baseline: paired by scenario, with verdict and gate."""
