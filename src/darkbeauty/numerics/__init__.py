"""Numerics: special functions, quadrature, interpolation and roots that differentiate exactly."""
