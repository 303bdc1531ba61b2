"""What `run.py doctor` concludes from what was found; asking is done by `actors.doctor`.

| module | judges |
|---|---|
| `diagnosis` | findings, verdicts, and how they are shown |
| `key` | credentials, key, sign-in, permissions |
| `venue` | reachability, clock, shards, fees, price grid, index channel |
| `account` | cash on the shards that are traded, rate limits |
| `machine` | disk, journal |
"""
