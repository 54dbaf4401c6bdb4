"""What shows that a scenario's verdicts can be trusted, outcome by outcome."""
