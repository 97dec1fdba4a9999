"""Cheap filters before scoring, and circuits that are the same up to commuting gates."""
