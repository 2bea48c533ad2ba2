"""Numbers from outside: Standard-Model inputs, tables and measurements, each with its source."""

from darkbeauty.inputs.sm import CKM, SMInputs, Thermodynamics, load_sm

__all__ = ["CKM", "SMInputs", "Thermodynamics", "load_sm"]
