"""A model on this machine: weights from a package, served by llama.cpp's own server."""
