"""Makes docs/accuracy.md: measures on the public sets and puts the tables into accuracy_template.md beside this file.

    python -m tests.bench.accuracy REFEREE_RESULT.json        the whole page
    python -m tests.bench.accuracy --items ITEMS_RESULT.json  its section of products alone
    python -m tests.bench.accuracy --quarter RESULT.json      its section of days 29-92 alone

The results are what `referee.py run --json` and `tests.bench.item_accuracy` or `tests.bench.quarter --json` wrote; all else is measured here.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench import cold_start, hours, item_accuracy, quarter, sums
from tests.bench.public import referee

TEMPLATE, PAGE = Path(__file__).with_name("accuracy_template.md"), Path(__file__).parents[2] / "docs" / "accuracy.md"
WHAT = {
    "rossmann100": "revenue of 60 drugstores, with promotions",
    "favorita_transactions": "tickets of 40 supermarkets",
    "french_bakery": "units of 40 articles of one bakery",
    "yaz": "units of 7 dishes of one restaurant",
    "recruit_public": "guests of 80 restaurants",
}


def main() -> None:
    np.seterr(all="ignore")
    result = json.loads(Path(sys.argv[-1]).read_text(encoding="utf-8"))
    if sys.argv[1] == "--items":
        rewrite("## By product", "## What a forecast is made of", items=by_product(result), large=of_large(result["large"]))
        return
    if sys.argv[1] == "--quarter":
        rewrite("## Days 29 to 92", "## By product", quarter=far_ahead(result))
        return
    text = TEMPLATE.read_text(encoding="utf-8").format(
        ratio=f"{result['_gm_vs_snaive']:.4f}",
        sets=sets(result), intervals=intervals(result), cold_start=cold(cold_start.measure()),
        hours=by_hour(hours.measure()), sums=by_sum(sums.measure()), quarter=far_ahead(quarter.measure()),
        items=by_product(found := item_accuracy.measure()), large=of_large(found["large"]),
    )  # fmt: skip
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE} written")


def rewrite(first: str, after: str, **tables: str) -> None:
    """Write the section that begins with `first` anew, the others stay."""
    template, page = TEMPLATE.read_text(encoding="utf-8"), PAGE.read_text(encoding="utf-8")
    section = template[template.index(first) : template.index(after)]
    section = section.format(**tables)
    before = page[: page.index(first)] if first in page else page[: page.index(after)]
    PAGE.write_text(before + section + page[page.index(after) :], encoding="utf-8")


def sets(result: dict[str, Any]) -> str:
    peers = referee().PEERS
    rows = []
    for name, what in WHAT.items():
        whole, week, naive = result[name]["h1_28"], result[name]["h1_7"], result[name]["snaive"]
        rows.append(
            [name, what, _percent(naive["h1_28"]), _percent(peers[name][0][0]), f"**{_percent(whole['wape'])}**",
             _percent(week["wape"]), f"{whole['mase']:.2f}", f"{whole['bias'] * 100:+.1f} %"]
        )  # fmt: skip
    return _table("set|what|repeating last week|best library|**salesforecast**|its days 1-7|MASE|bias", rows)


def intervals(result: dict[str, Any]) -> str:
    rows, bands = [], ("h1_7", "h8_14", "h15_28")
    for name in WHAT:
        row = [result[name][band]["cov80"] for band in bands]
        rows.append(
            [
                name,
                *map(_percent, row),
                _percent(result[name]["h1_28"]["cov80"]),
                _percent(result[name]["h1_28"]["cov95"]),
            ]
        )
    pooled = [
        sum(result[name][band]["cov80"] * result[name][band]["n"] for name in WHAT)
        / sum(result[name][band]["n"] for name in WHAT)
        for band in (*bands, "h1_28")
    ]
    rows.append(["all days of all sets", *map(_percent, pooled), ""])
    return _table("set|80 %, days 1-7|days 8-14|days 15-28|80 %, all|95 %, all", rows)


def cold(found: dict[str, Any]) -> str:
    rows = [
        [days, _percent(row["wape"]), f"{row['ratio']:.2f}", _percent(row["coverage80"])] for days, row in found.items()
    ]
    rows[-1][0] += f" (the others' weekday median: {_percent(found['0']['median'])})"
    return _table("days known|WAPE|over that of the whole history|in the 80 % interval", rows)


def by_hour(found: dict[str, Any]) -> str:
    rows = []
    for name, row in found.items():
        rest = [f"{_percent(row[f'rest_{now}'])} ({_percent(row[f'rest_{now}_unchanged'])})" for now in hours.NOW]
        rows.append([name, _percent(row["mean4"]), f"**{_percent(row['wape'])}**", _percent(row["coverage80"]), *rest])
    asked = "|".join(f"the rest from {now} o'clock (unchanged)" for now in hours.NOW)
    return _table(f"set|mean of four|**salesforecast**|in the 80 % interval|{asked}", rows)


def by_sum(found: dict[str, Any]) -> str:
    rows = [
        [
            name,
            what,
            _percent(row["wape"]),
            _percent(row["coverage80"]),
            _percent(row["coverage95"]),
            f"{row['width']:.2f}",
        ]
        for name, of in found.items()
        for what, row in of.items()
    ]
    return _table("set|sum over|WAPE|in the 80 % interval|in the 95 % interval|width over the sum of the ends", rows)


def far_ahead(found: dict[str, Any]) -> str:
    rows = []
    for name, band, row in ((name, band, found[name][band]) for name in [*WHAT, "all"] for band in quarter.BANDS):
        held = [_percent(row[share]) for share in ("coverage80", "coverage95")]
        errors = [""] * 4
        if name in WHAT:
            year = f"{_percent(row['last_year'])} ({_percent(row['wape_told'])})" if row["last_year"] else "unknown"
            errors = [_percent(row["naive"]), year, f"**{_percent(row['wape'])}**", f"{row['bias'] * 100:+.1f} %"]
        sums = [_percent(row["sum_wape"]) if name in WHAT else "", _percent(row["sum_coverage80"])]
        rows.append([name if name in WHAT else "all days of all sets", band, *errors, *held, *sums])
    head = "set|days|repeating last week|last year (ours on these days)|**salesforecast**|bias|in the 80 % interval|in the 95 %|the sum of the days|in its 80 %"
    return _table(head, rows)


def by_product(found: dict[str, Any]) -> str:
    rows = []
    for name, what in item_accuracy.WHAT.items():
        for band, row in ((band, found[name][band]) for band in item_accuracy.BANDS):
            methods = [_percent(row[method]) for method in ("naive", "mean4", "ets")]
            methods += [f"**{_percent(row['ours'])}**", _percent(row["middle"]), f"{row['bias'] * 100:+.1f} %"]
            shares = [
                _percent(row[share]) for share in ("places80", "coverage80", "coverage80_often", "enough70_often")
            ]
            rows.append([f"{what} ({found[name]['products']})", band, *methods, *shares])
    head = "set|days|repeating last week|mean of four|AutoETS|**expected**|middle|bias|in the middle 80 %|in the 80 % interval|of 5 and more a day|70 % suffices"
    return _table(head, rows)


def of_large(found: dict[str, float]) -> str:
    return (
        f"An invented chain of 40 branches with 150 products each ({found['series']:,} series of 540 days) is learned and forecast in"
        f" {found['processor_seconds']:.0f}\nseconds of one processor, in {found['megabytes']:.0f} MB with the sales it was given."
    )


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _table(head: str, rows: list[list[str]]) -> str:
    columns = head.split("|")
    return "\n".join(f"| {' | '.join(row)} |" for row in [columns, ["---"] * len(columns), *rows])


if __name__ == "__main__":
    main()
