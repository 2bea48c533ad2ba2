"""Samplers of a posterior: one file each, and a table of them."""
