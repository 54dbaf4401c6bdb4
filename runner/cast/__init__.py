"""What the scripted players must come out at, and whether they did."""
