"""What the market is, in plain objects: windows, books, prices, fees, money, orders, rules."""
