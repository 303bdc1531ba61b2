"""The inside of the simulated exchange; `core.exchange.simulated` is its only door."""
