"""The rules, fixed before any result: every threshold stands here beside its reason."""

from functools import partial

from nao.analysis.calibration import CALIBRATED
from nao.claims import ablations, beyond, depth, measures, rivals, shifts
from nao.claims.verdicts import Range, Rule

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


SHIFTED = {
    "shifted_noise": "the noise",
    "shifted_condition": "κ(Σ_x)",
    "shifted_task_dimension": "r_w",
    "shifted_subspace": "the directions U of the prior",
}


def _as_the_old_oracle(claim: str, experiment: str) -> Rule:
    """A network that holds the prior of its training errs elsewhere as that prior makes it err."""
    return Rule(
        claim,
        f"Tested with {SHIFTED[experiment]} shifted, NAO comes to the posterior mean under the law "
        "of its training",
        f"the ratio of RMSE is at most {NEAR_ORACLE:g} at every shifted point (geometric mean "
        "over replicates)",
        "largest NAO/ORE, ORE told the truth of training",
        (ANY_LESS, NEAR_ORACLE),
        (experiment,),
        partial(shifts.worst, experiments=(experiment,), reference=measures.ORACLE),
    )


MIXTURES = ("mixture4", "mixture16")

RULES: tuple[Rule, ...] = (
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
        "C7a",
        "Where r_w is small two layers suffice",
        f"RMSE at the fewest layers is at most {SUFFICES:g} times that at the best number "
        "(geometric mean over replicates)",
        "RMSE at L = 2 / at the best L, r_w small",
        (ANY_LESS, SUFFICES),
        ("depth",),
        partial(depth.gain, setting="low"),
    ),
    Rule(
        "C7b",
        "At r_w = 0.4 n depth is needed",
        f"RMSE at the fewest layers is at least {SUFFICES:g} times that at the best number "
        "(geometric mean over replicates)",
        "RMSE at L = 2 / at the best L, r_w = 0.4 n",
        (SUFFICES, ANY_MORE),
        ("depth",),
        partial(depth.gain, setting="high"),
    ),
    Rule(
        "C7c",
        "Depth is worth more at r_w = 0.4 n than where r_w is small",
        "the ratio of RMSE at the fewest layers to that at the best number is at least "
        f"{SUFFICES:g} times as large there (geometric mean over replicates)",
        "gain by depth at r_w = 0.4 n / where r_w is small",
        (SUFFICES, ANY_MORE),
        ("depth",),
        partial(depth.gain_ratio, high="high", low="low"),
    ),
    Rule(
        "C8a",
        "Under other priors NAO comes as near to the best linear estimator as under the Gaussian",
        f"NAO/ORE over that under the Gaussian prior is at most {NEAR_ORACLE:g} under every other "
        "(geometric mean over replicates)",
        "largest NAO/ORE over the Gaussian's",
        (ANY_LESS, NEAR_ORACLE),
        ("priors",),
        partial(beyond.away_from_gaussian, experiment="priors"),
    ),
    Rule(
        "C8b",
        "Under other noise NAO comes as near to the best linear estimator as under the Gaussian",
        f"NAO/ORE over that under Gaussian noise is at most {NEAR_ORACLE:g} under every other "
        "(geometric mean over replicates)",
        "largest NAO/ORE over the Gaussian's",
        (ANY_LESS, NEAR_ORACLE),
        ("noise_laws",),
        partial(beyond.away_from_gaussian, experiment="noise_laws"),
    ),
    Rule(
        "C8c",
        "NAO adapts to the noise level of each context",
        "where that spans a factor of 10 to either side, NAO is better than the best linear "
        "estimator, which knows its mean alone (geometric mean over replicates)",
        "NAO/ORE",
        (ANY_LESS, 1),
        ("noise_spread",),
        partial(
            beyond.against,
            experiment="noise_spread",
            settings=("ten",),
            reference=measures.ORACLE,
            nao=True,
        ),
    ),
    Rule(
        "C8d",
        "Under mixtures of lines a learner passes the best linear estimator",
        "the ratio of RMSE is below 1 on both mixtures (geometric mean over replicates)",
        "larger RMSE/ORE",
        (ANY_LESS, 1),
        ("priors",),
        partial(beyond.against, experiment="priors", settings=MIXTURES, reference=measures.ORACLE),
    ),
    Rule(
        "C8e",
        "Under mixtures of lines a learner comes to the exact posterior mean",
        f"the ratio of RMSE is at most {AT_FLOOR:g} on both mixtures (geometric mean over "
        "replicates)",
        "larger RMSE/posterior mean's",
        (ANY_LESS, AT_FLOOR),
        ("priors",),
        partial(beyond.against, experiment="priors", settings=MIXTURES, reference=beyond.EXACT),
    ),
    Rule(
        "C8f",
        "An estimator with a posterior knows how far its answers are off",
        f"predicted over true RMSE lies from {CALIBRATED[0]:g} to {CALIBRATED[1]:g} under every "
        "prior (geometric mean over replicates)",
        "predicted/true RMSE furthest from 1",
        CALIBRATED,
        ("priors",),
        partial(beyond.calibration, experiment="priors"),
    ),
    Rule(
        "C9a",
        "Linear attention beats softmax",
        "from random weights and all else equal, the RMSE with softmax over that with linear "
        "attention exceeds 1 (geometric mean over replicates)",
        "RMSE with softmax/linear attention",
        (1, ANY_MORE),
        ("ablations",),
        partial(
            ablations.over, pairs={"paper_softmax": "paper_random", "heldout_softmax": "uncoded"}
        ),
    ),
    Rule(
        "C9b",
        "Without LayerNorm NAO degrades to ridge",
        f"two layers without it have at least 1/{NEAR_ORACLE:g} of the RMSE of RE (geometric mean "
        "over replicates)",
        "RMSE without LayerNorm/RE's",
        (1 / NEAR_ORACLE, ANY_MORE),
        ("ablations",),
        partial(
            ablations.over,
            pairs=dict.fromkeys(("paper_unnormed", "heldout_unnormed"), measures.RIDGE),
        ),
    ),
    Rule(
        "C9c",
        "With one layer NAO degrades to ridge",
        f"one layer has at least 1/{NEAR_ORACLE:g} of the RMSE of RE (geometric mean over "
        "replicates)",
        "RMSE of one layer/RE's",
        (1 / NEAR_ORACLE, ANY_MORE),
        ("ablations",),
        partial(
            ablations.over,
            pairs=dict.fromkeys(("paper_one_layer", "heldout_one_layer"), measures.RIDGE),
        ),
    ),
    Rule(
        "C9d",
        "LayerNorm helps",
        "two layers without it have more RMSE than two with it (geometric mean over replicates)",
        "RMSE without/with LayerNorm",
        (1, ANY_MORE),
        ("ablations",),
        partial(
            ablations.over,
            pairs={
                "paper_unnormed": "paper_two_layers",
                "heldout_unnormed": "heldout_two_layers",
            },
        ),
    ),
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
    Rule(
        "C11a",
        "NAO comes to EM, which learns from the same contexts",
        f"at the base point NAO/EM is at most {NEAR_ORACLE:g} (geometric mean over replicates)",
        "NAO/EM",
        (ANY_LESS, NEAR_ORACLE),
        ("ablations",),
        partial(ablations.over, pairs=dict.fromkeys(ablations.NETWORKS, "empirical_bayes")),
    ),
    Rule(
        "C11b",
        "NAO passes debiased two-stage ridge",
        "at the base point the ratio of RMSE is below 1 (geometric mean over replicates)",
        "NAO/debiased TRE",
        (ANY_LESS, 1),
        ("ablations",),
        partial(
            ablations.over, pairs=dict.fromkeys(ablations.NETWORKS, "two_stage_ridge_debiased")
        ),
    ),
    Rule(
        "C11c",
        "NAO passes the rivals learned by the same training",
        "at the base point NAO over the better of UPG and RTT is below 1 (geometric mean over "
        "replicates)",
        "NAO/best learned rival",
        (ANY_LESS, 1),
        ("ablations",),
        partial(ablations.over_best, rivals=("upg", "rtt")),
    ),
    Rule(
        "C12a",
        "For kernels in operators NAO errs less than ridge and two-stage ridge do",
        "the largest ratio of RMSE, and of the median error, to RE by GCV, RE by L-curve and TRE, "
        "over all operators with the Gaussian prior, is below 1 in every replicate",
        "largest NAO/rival",
        (ANY_LESS, 1.0),
        ("operators",),
        partial(
            rivals.largest_ratio,
            experiment="operators",
            rivals=(measures.RIDGE, "ridge_l_curve", measures.TWO_STAGE),
            metrics=("rmse", "median_error"),
            settings="_cosines",
        ),
    ),
    Rule(
        "C12b",
        "For kernels in operators NAO predicts nearly as well as the oracle",
        f"the largest ratio of prediction errors, over all operators with the Gaussian prior, is "
        f"at most {SUFFICES:g} in every replicate",
        "largest NAO/ORE in prediction",
        (ANY_LESS, SUFFICES),
        ("operators",),
        partial(
            rivals.largest_ratio,
            experiment="operators",
            rivals=(measures.ORACLE,),
            metrics=("prediction_rmse",),
            settings="_cosines",
        ),
    ),
    Rule(
        "C13a",
        "For images NAO errs less than ridge and two-stage ridge do",
        "the largest ratio of RMSE over all n is below 1 in every replicate",
        "largest NAO/rival",
        (ANY_LESS, 1.0),
        ("digits",),
        partial(
            rivals.largest_ratio,
            experiment="digits",
            rivals=(measures.RIDGE, measures.TWO_STAGE),
        ),
    ),
    Rule(
        "C13b",
        "For images NAO comes to the best estimator linear in Y",
        f"the largest ratio of RMSE over all n is at most {NEAR_ORACLE:g} in every replicate",
        "largest NAO/ORE, ORE told the moments of the training images",
        (ANY_LESS, NEAR_ORACLE),
        ("digits",),
        partial(rivals.largest_ratio, experiment="digits", rivals=(measures.ORACLE,)),
    ),
    Rule(
        "C13c",
        "For images the mixture of ridges passes the best estimator linear in Y",
        "the largest ratio of RMSE over all n is below 1 in every replicate",
        "largest MoRB/ORE, ORE told the moments of the training images",
        (ANY_LESS, 1.0),
        ("digits",),
        partial(
            rivals.largest_ratio,
            experiment="digits",
            rivals=(measures.ORACLE,),
            model="mixture_of_ridges",
        ),
    ),
    _as_the_old_oracle("C14a", "shifted_noise"),
    _as_the_old_oracle("C14b", "shifted_condition"),
    _as_the_old_oracle("C14c", "shifted_task_dimension"),
    _as_the_old_oracle("C14d", "shifted_subspace"),
    Rule(
        "C14e",
        "Whatever is shifted, NAO is no worse than ridge regression, which assumes no prior",
        "the ratio of RMSE is at most 1 at every shifted point (geometric mean over replicates)",
        "largest NAO/RE",
        (ANY_LESS, 1),
        tuple(SHIFTED),
        partial(shifts.worst, experiments=tuple(SHIFTED), reference=measures.RIDGE),
    ),
    Rule(
        "C14f",
        "On fresh tasks of its training's law NAO is as on tasks that it was trained on",
        f"the ratio of RMSE is at most {NEAR_ORACLE:g} (geometric mean over replicates)",
        "RMSE in distribution / memorised",
        (ANY_LESS, NEAR_ORACLE),
        tuple(SHIFTED),
        partial(shifts.generalisation, experiments=tuple(SHIFTED)),
    ),
)
