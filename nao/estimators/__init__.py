"""Classical estimators, one file each; by name in `nao.estimators.table`.

Nothing is imported here, so that whoever uses one estimator does not depend on the others.
"""
