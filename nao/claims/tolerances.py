"""How far is near: the thresholds of the rules, each beside its reason."""

# A tenth of a norm leaves a hundredth of its square: 99 % of ‖w_0‖² or ‖Σ_w‖² is recovered.
MOMENT_TOLERANCE = 0.1
# The moments of finitely many test contexts scatter about the prior's even for a perfect estimator.
# Two standard errors, which a normal number exceeds once in twenty, are not held against it.
SAMPLING_ERRORS = 2.0
# A fall by ten from one eigenvalue to the next; within Λ the largest ratio of neighbours is 2.
SPECTRAL_DROP = 0.1
# An exponent off by 0.1 lets a ratio drift by 10^0.1 = 1.26 for each decade of the swept value.
EXPONENT_TOLERANCE = 0.1
# An excess of a tenth over the oracle's RMSE is a fifth of its risk.
NEAR_ORACLE = 1.1
# Twice what the √r_w law gives; within its tolerance an exponent explains 1.26 for a whole decade.
BLOW_UP = 2.0
# A quarter more RMSE is over half as much risk again: few would call that sufficient.
SUFFICES = 1.25
# A twentieth more RMSE than the floor is a tenth more risk.
AT_FLOOR = 1.05

ANY_LESS, ANY_MORE = -float("inf"), float("inf")
