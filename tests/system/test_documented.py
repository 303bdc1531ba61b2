"""The commands that documents show are found, and told apart from what is no command."""

from __future__ import annotations

from tests.system.documented import ROOT, blocks, documents, reason_not_to

TEXT = """Try it:

```
python run.py trade --speed 60   # quick
curl localhost/x \\
  -d 1
KEY=value python run.py config
KALSHI_API_KEY=yours
run.py       the command line
```
"""


def test_commands_are_cut_out_of_blocks() -> None:
    assert blocks(TEXT) == [
        [
            "python run.py trade --speed 60",
            "curl localhost/x -d 1",
            "KEY=value python run.py config",
        ]
    ]


def test_every_document_with_a_command_is_looked_at() -> None:
    commands = {
        command
        for document in documents()
        for found in blocks((ROOT / document).read_text())
        for command in found
    }
    assert {"make run", "python run.py status", "python run.py backtest --json"} <= commands
    assert reason_not_to("make test")
    assert not reason_not_to("make run")
