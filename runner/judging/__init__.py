"""Opinions on patches: a judge model's or a person's, asked for after the trials."""
