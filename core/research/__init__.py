"""Recorded market data and what is learned from it."""
