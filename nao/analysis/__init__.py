"""What estimates are worth: scores, recovered priors, tables of sweeps, exponents."""
