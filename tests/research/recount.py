"""Counts a backtest's money again from its files, with nothing of the program: plain decimals.

    python tests/research/recount.py FOLDER

Prints what the fills and the results of their windows come to: fees by the exchange's schedule (7 %
of contracts x price x (1 - price) for who takes, nothing for who rests, each step rounded up to
$0.0001), payouts of a dollar or nothing, and the cost of what has no result yet.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from decimal import ROUND_CEILING, Decimal
from pathlib import Path

UNIT = Decimal("0.0001")


def up(amount: Decimal) -> Decimal:
    return (amount / UNIT).to_integral_value(ROUND_CEILING) * UNIT


def fee(count: Decimal, price: Decimal, *, taker: bool) -> Decimal:
    cost = count * price
    charged = up(Decimal("0.07") * count * price * (1 - price)) if taker else Decimal(0)
    return up(charged + cost) - cost


def recount(folder: Path) -> dict[str, Decimal]:
    with (folder / "windows.csv").open() as file:
        results = {row["ticker"]: row["result"] for row in csv.DictReader(file)}
    fees = cash = Decimal(0)
    held: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    paid: dict[str, Decimal] = defaultdict(Decimal)
    with (folder / "fills.csv").open() as file:
        for row in csv.DictReader(file):
            count, yes = Decimal(row["contracts"]), Decimal(row["yes_price"].lstrip("$"))
            leg = 0 if row["side"] == "bid" else 1
            price = yes if leg == 0 else 1 - yes
            charged = fee(count, price, taker=row["is_taker"] == "True")
            assert charged == Decimal(row["fee"]), row
            fees += charged
            cash -= count * price
            held[row["ticker"]][leg] += count
            paid[row["ticker"]] += count * price
    open_cost = Decimal(0)
    for ticker, (yes_count, no_count) in held.items():
        if results[ticker] == "yes":
            cash += yes_count
        elif results[ticker] == "no":
            cash += no_count
        else:
            assert not min(yes_count, no_count), "an open window with both legs"
            open_cost += paid[ticker]
    return {"fees": fees, "cash": cash - fees, "pnl": cash - fees + open_cost}


def main() -> None:
    folder = Path(sys.argv[1])
    counted, said = recount(folder), json.loads((folder / "result.json").read_text())
    start = said["cash"] - float(counted["cash"])
    told = {**{key: float(value) for key, value in counted.items()}, "start": start}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
