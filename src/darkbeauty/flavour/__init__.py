"""b → s processes, one file each: pure functions of a model at a point."""
