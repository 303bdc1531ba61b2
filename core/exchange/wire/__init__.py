"""Kalshi's JSON as typed structs, REST and WebSocket: the only place that knows its spelling.

| module | holds |
|---|---|
| `scalars` | decimal strings, RFC 3339 times, the numbers that may stand in their place |
| `account`, `holdings` | own orders and fills; positions, settlements, cash |
| `trading`, `batches` | order requests and their answers |
| `markets`, `books`, `series` | markets; books and trades; series and events |
| `transfers` | cash between shards |
| `keys` | the account's API keys |
| `venue` | status, schedule, freshness, limits |
| `errors` | the three shapes of an error body |
| `frames`, `private_frames` | everything a stream can send, and how a text becomes a frame |
| `commands` | everything a client can send on a stream |
| `translate`, `lifecycle`, `reports` | a frame as the messages of the system |
| `bodies`, `private_bodies` | an event of the local exchange as the body of a frame |
| `pages` | the envelopes of REST answers |

Structs decode and encode alike: the client reads with what the local exchange writes. Unknown
fields are ignored; a missing required one is an error of that row or frame alone.
"""

import sys

from core.prepared import prepare_package

prepare_package(sys.modules[__name__])
