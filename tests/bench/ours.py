"""The ways that are ours."""

COMPONENT = "shop"
WAYS = []
