"""Exact yardsticks, one function an equation, each with its source."""
