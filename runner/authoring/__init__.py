"""Tools for those who write scenarios: begin one, make its patches, look it over."""
