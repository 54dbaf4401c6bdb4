"""A comparison of two models in words: one sentence, tables, a page."""
