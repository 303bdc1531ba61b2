"""Public WebSocket feeds of spot venues as `SpotTick` (kalshi.md 9.2).

| module | what is there |
|---|---|
| `parser` | what all parsers share: last quotes, bad frames counted, never fatal |
| `venue` | what a reader must know of a venue; the table of all venues |
| `coinbase`, `kraken`, `bitstamp`, `gemini` | one venue each |

A new venue is its module, its row in `venue.VENUES`, and its test.
"""
