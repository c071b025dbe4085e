"""All rules, fixed before any result, in the order of the claims."""

from nao.claims import ablations, beyond, depth, gaussian, rivals, shifts

RULES = tuple(
    sorted(
        (
            rule
            for family in (gaussian, depth, beyond, ablations, rivals, shifts)
            for rule in family.RULES
        ),
        key=lambda rule: (int(rule.id[1:-1]), rule.id),
    )
)
