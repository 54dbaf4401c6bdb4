"""The scoreboard as a static site."""
