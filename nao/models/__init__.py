"""Learned estimators: modules that map a batch of contexts to estimates of w.

Every parameter has a leading axis of members (replicates), which are trained as one stack and never
mix. A new model is two files of one name, its specification in `nao.specs` and itself here, and its
names in two lists: the union `ModelSpec` in `nao.specs.runs` and `nao.models.kinds.MODELS`.
"""
