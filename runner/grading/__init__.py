"""Decides what a patch is worth, in a fresh sandbox."""
