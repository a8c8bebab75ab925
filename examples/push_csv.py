#!/usr/bin/env python3
"""Push a CSV file with the columns product_code, sale_date, quantity_sold, notes.

    SALESFORECAST_URL=http://localhost:8002 SALESFORECAST_KEY=... python push_csv.py daily_sales.csv

Needs `pip install requests`. Ends with 0 when everything was taken, else with 1.
"""

import csv
import os
import sys
from collections import defaultdict

import requests

URL = os.environ.get("SALESFORECAST_URL", "http://localhost:8002").rstrip("/") + "/api/sales/bulk-import"
KEY = os.environ["SALESFORECAST_KEY"]


def read(path: str) -> dict[str, list[dict]]:
    sales = defaultdict(list)
    with open(path, encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            sale = {"sale_date": row["sale_date"], "quantity_sold": row["quantity_sold"]}
            if row.get("notes"):
                sale["notes"] = row["notes"]
            sales[row["product_code"]].append(sale)
    return dict(sales)


def main() -> int:
    if len(sys.argv) != 2:
        sys.exit("Name the CSV file: push_csv.py daily_sales.csv")
    answer = requests.post(
        URL,
        json={"sales_by_product_code": read(sys.argv[1])},
        headers={"Authorization": f"Api-Key {KEY}"},
        timeout=300,
    )
    if answer.status_code != 200:
        print(f"HTTP {answer.status_code}: {answer.text}", file=sys.stderr)
        return 1
    print(answer.json()["message"])
    errors = answer.json()["results"]["errors"]
    for product in errors:
        print(f"  {product['product_code']}: {product['error']}", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
