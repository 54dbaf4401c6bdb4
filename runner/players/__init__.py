"""Scripted stand-ins for models, served over real HTTP."""
