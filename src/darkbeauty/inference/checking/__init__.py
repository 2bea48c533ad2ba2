"""Whether results can be trusted: convergence, causes of failure, calibration, the Standard Model beside a model."""
