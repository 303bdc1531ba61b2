"""Roles: one message in, a list of messages out."""
