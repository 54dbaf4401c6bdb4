"""Small changes of the sources, each of which a good check should notice."""
