"""Learned estimators: modules that map a batch of contexts to estimates of w.

Every parameter has a leading axis of members (replicates), which are trained as one stack and never
mix. A new model is a spec in `nao.specs`, a file here and a row in `nao.models.kinds.MODELS`.
"""
