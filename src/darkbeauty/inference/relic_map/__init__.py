"""Coordinates that straighten the relic density: a survey of the posterior, and the quantile maps made from it."""
