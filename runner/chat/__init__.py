"""Talks to OpenAI-compatible endpoints: one choke point, timed and recorded."""
