#!/usr/bin/env python3
"""Push yesterday's sales by product code. Run it every night, from cron or the Task Scheduler.

Needs `pip install requests`, and in the environment:

    SALESFORECAST_URL   http://localhost:8002
    SALESFORECAST_KEY   an API key with the role of an integrator

Ends with 0 when everything was taken, 1 when something was refused or the server could not be reached.
"""

import datetime as dt
import os
import sys
import time
import uuid

import requests

URL = os.environ.get("SALESFORECAST_URL", "http://localhost:8002").rstrip("/") + "/api/sales/bulk-import"
KEY = os.environ["SALESFORECAST_KEY"]
ATTEMPTS, PAUSE = 5, 30  # seconds


def sales_of(day: dt.date) -> dict[str, list[dict]]:
    """Replace this by a question to your own system: {product code: [sales]}."""
    date = day.isoformat()
    return {
        "TRIG-001": [{"sale_date": date, "quantity_sold": 15, "notes": "Regular sales"}],
        "TRIG-002": [{"sale_date": date, "quantity_sold": 22}],
    }


def push(sales: dict[str, list[dict]], name: str) -> requests.Response:
    """Send the sales. `name` names the request: sent twice, it has one effect."""
    headers = {"Authorization": f"Api-Key {KEY}", "Idempotency-Key": name}
    for attempt in range(1, ATTEMPTS + 1):
        try:
            answer = requests.post(URL, json={"sales_by_product_code": sales}, headers=headers, timeout=60)
            if answer.status_code < 500 and answer.status_code != 429:
                return answer
            trouble = f"HTTP {answer.status_code}"
        except requests.RequestException as error:
            trouble = str(error)
        print(f"attempt {attempt}: {trouble}", file=sys.stderr)
        if attempt < ATTEMPTS:
            time.sleep(float(os.environ.get("SALESFORECAST_PAUSE", PAUSE)))
    sys.exit("The server could not be reached.")


def main() -> int:
    yesterday = dt.date.today() - dt.timedelta(days=1)
    answer = push(sales_of(yesterday), str(uuid.uuid4()))
    if answer.status_code != 200:
        print(f"HTTP {answer.status_code}: {answer.text}", file=sys.stderr)
        return 1
    results = answer.json()["results"]
    print(answer.json()["message"])
    for product in results["success"]:
        print(f"  {product['product_code']}: {product['records_imported']}")
    for product in results["errors"]:
        print(f"  {product['product_code']}: {product['error']}", file=sys.stderr)
    return 1 if results["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
