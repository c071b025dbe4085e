"""What the sources claim of the Gaussian problem (C1 to C6, C10), as rules."""

from functools import partial

from nao.claims import measures
from nao.claims.tolerances import (
    ANY_LESS,
    ANY_MORE,
    BLOW_UP,
    EXPONENT_TOLERANCE,
    MOMENT_TOLERANCE,
    NEAR_ORACLE,
    SAMPLING_ERRORS,
    SPECTRAL_DROP,
)
from nao.claims.verdicts import Range, Rule

OWN = "with r_w < n/2 (log-log, each replicate by itself)"


def _near(exponent: float) -> Range:
    return exponent - EXPONENT_TOLERANCE, exponent + EXPONENT_TOLERANCE


def _law(claim: str, experiment: str, symbol: str, law: str, exponent: float) -> tuple[Rule, Rule]:
    """Two rules for one power law: as it is stated, and as the oracle itself follows it."""
    number = f"{exponent:g}".replace("-", "−")
    return (
        Rule(
            f"{claim}a",
            f"The RMSE is proportional to {law}",
            f"the exponent over the points {OWN} is {number} to within {EXPONENT_TOLERANCE:g}",
            f"exponent of RMSE in {symbol}",
            _near(exponent),
            (experiment,),
            partial(measures.sweep_exponent, experiment=experiment),
        ),
        Rule(
            f"{claim}b",
            f"The RMSE follows {symbol} as the oracle's does",
            f"the exponent of NAO/ORE over the points {OWN} is 0 to within {EXPONENT_TOLERANCE:g}",
            f"exponent in {symbol} less ORE's",
            _near(0),
            (experiment,),
            partial(measures.exponent_against, experiment=experiment, metric="rmse"),
        ),
    )


def _closed_form(claim: str, experiment: str, symbol: str) -> Rule:
    """The law that is the oracle's own at little noise and any size, not at r_w ≪ n alone."""
    return Rule(
        claim,
        f"The RMSE follows {symbol} as σ_ε √(r_w / (n − r_w − 1)), the oracle's own law, does",
        f"the exponent of RMSE/law over the points {OWN} is 0 to within {EXPONENT_TOLERANCE:g}",
        f"exponent in {symbol} less the law's",
        _near(0),
        (experiment,),
        partial(
            measures.exponent_against, experiment=experiment, metric="oracle_law", with_oracle=True
        ),
    )


RULES = (
    Rule(
        "C1a",
        "On fresh contexts the outputs have the prior's mean",
        f"relative error at most {MOMENT_TOLERANCE:g}, beyond {SAMPLING_ERRORS:g} standard errors "
        "of the mean of as many draws from the prior (added in squares)",
        "‖mean(ŵ) − w_0‖ / ‖w_0‖",
        (ANY_LESS, MOMENT_TOLERANCE),
        ("prior_moments",),
        partial(measures.mean_error, tolerance=MOMENT_TOLERANCE, sampling_errors=SAMPLING_ERRORS),
    ),
    Rule(
        "C1b",
        "On fresh contexts the outputs, corrected by σ_ε²C, have the prior's covariance",
        f"relative error at most {MOMENT_TOLERANCE:g}, beyond {SAMPLING_ERRORS:g} standard errors "
        "of the covariance of as many draws from the prior (added in squares)",
        "‖Cov(ŵ) + σ_ε²C − Σ_w‖_F / ‖Σ_w‖_F",
        (ANY_LESS, MOMENT_TOLERANCE),
        ("prior_moments",),
        partial(
            measures.covariance_error, tolerance=MOMENT_TOLERANCE, sampling_errors=SAMPLING_ERRORS
        ),
    ),
    Rule(
        "C1c",
        "The spectrum of the outputs has its largest gap after the r_w-th eigenvalue",
        "the rank before the largest gap of the uncorrected spectrum is r_w in every replicate",
        "recovered rank",
        (ANY_LESS, ANY_MORE),
        ("prior_moments",),
        measures.recovered_rank,
    ),
    Rule(
        "C1d",
        "The spectrum of the outputs drops at r_w",
        f"the next eigenvalue of the uncorrected spectrum is at most {SPECTRAL_DROP:g} of it",
        "λ_(r_w+1) / λ_(r_w)",
        (ANY_LESS, SPECTRAL_DROP),
        ("prior_moments",),
        measures.spectral_drop,
    ),
    Rule(
        "C2a",
        "At the base point ORE is better than NAO, NAO than TRE, and TRE than RE",
        "in every replicate each of the three ratios of RMSE exceeds 1",
        "smallest of NAO/ORE, TRE/NAO, RE/TRE",
        (1, ANY_MORE),
        ("prior",),
        measures.order_margin,
    ),
    Rule(
        "C2b",
        "More training contexts bring NAO nearer to ORE",
        "the exponent of NAO/ORE in n_s, fitted to each replicate by itself, is negative",
        "exponent of NAO/ORE in n_s",
        (ANY_LESS, 0),
        ("contexts",),
        measures.ratio_exponent,
    ),
    Rule(
        "C2c",
        "With few training contexts TRE is better than NAO",
        "at the smallest n_s the ratio of RMSE exceeds 1 (geometric mean over replicates)",
        "NAO/TRE",
        (1, ANY_MORE),
        ("contexts",),
        measures.few_contexts,
    ),
    Rule(
        "C2d",
        "With many training contexts NAO is nearer to ORE than to TRE",
        "at the largest n_s NAO lies below the geometric mean of the two (geometric mean over "
        "replicates)",
        "NAO / √(ORE · TRE)",
        (ANY_LESS, 1),
        ("contexts",),
        measures.many_contexts,
    ),
    Rule(
        "C2e",
        "At the base point NAO comes to the oracle",
        f"the ratio of RMSE is at most {NEAR_ORACLE:g} (geometric mean over replicates)",
        "NAO/ORE",
        (ANY_LESS, NEAR_ORACLE),
        ("prior",),
        measures.distance_from_oracle,
    ),
    *_law("C3", "noise", "σ_ε", "σ_ε", 1),
    *_law("C4", "task_dimension", "r_w", "√r_w", 0.5),
    Rule(
        "C4c",
        "Every estimator fails once r_w reaches n",
        f"RMSE at the smallest r_w ≥ n is at least {BLOW_UP:g} times what the √r_w law gives from "
        "the largest r_w < n/2 (geometric mean over replicates)",
        "RMSE over the √r_w law",
        (BLOW_UP, ANY_MORE),
        ("task_dimension",),
        measures.blow_up,
    ),
    _closed_form("C4d", "task_dimension", "r_w"),
    Rule(
        "C5a",
        "The RMSE follows κ(Σ_x) as the oracle's does",
        f"the exponent of NAO/ORE over the points {OWN} is 0 to within {EXPONENT_TOLERANCE:g}",
        "exponent in κ less ORE's",
        _near(0),
        ("condition",),
        partial(measures.exponent_against, experiment="condition", metric="rmse"),
    ),
    Rule(
        "C5b",
        "The RMSE follows κ(Σ_x) as the upper bound σ_ε √(r_w / (n b)) does",
        f"the exponent of RMSE/bound over the points {OWN} is 0 to within {EXPONENT_TOLERANCE:g}",
        "exponent in κ less the bound's",
        _near(0),
        ("condition",),
        partial(
            measures.exponent_against, experiment="condition", metric="rmse_bound", with_oracle=True
        ),
    ),
    *_law("C6", "context_length", "n", "1/√n", -0.5),
    _closed_form("C6c", "context_length", "n"),
    Rule(
        "C10a",
        "Under the paper's loss training goes below the misfit of the oracle",
        "after the longest training the ratio of misfits is below 1 (geometric mean over "
        "replicates)",
        "misfit of NAO / ORE",
        (ANY_LESS, 1),
        ("training_length",),
        partial(measures.final_misfit, objective="misfit"),
    ),
    Rule(
        "C10b",
        "Under held-out rows it does not",
        "after the longest training the ratio of misfits is at least 1 (geometric mean over "
        "replicates)",
        "misfit of NAO / ORE",
        (1, ANY_MORE),
        ("training_length",),
        partial(measures.final_misfit, objective="heldout"),
    ),
    Rule(
        "C10c",
        "Held-out rows bring NAO nearer to the oracle than the paper's loss",
        "after the longest training the ratio of RMSE is below 1 (geometric mean over replicates)",
        "RMSE trained on held-out rows / by the misfit",
        (ANY_LESS, 1),
        ("training_length",),
        measures.mended_error,
    ),
)
