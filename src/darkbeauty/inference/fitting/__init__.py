"""Best fits: least squares under constraints, profiles, errors from curvature."""
