"""Turns records into words and pages; pure; never imports runner."""
