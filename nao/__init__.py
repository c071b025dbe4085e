"""The nonlocal attention operator, its rivals, and the audit of what they reach."""
