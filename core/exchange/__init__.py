"""The outside world, real and simulated, side by side."""
