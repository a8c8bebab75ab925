#!/bin/sh
# Push one product's sales of yesterday with curl: the shortest way to see whether address and key are right.
#   SALESFORECAST_URL=http://localhost:8002 SALESFORECAST_KEY=... sh push_sales.sh TRIG-001 15
set -eu
[ $# -eq 2 ] || { echo "usage: push_sales.sh PRODUCT_CODE QUANTITY" >&2; exit 2; }
yesterday=$(date -d yesterday +%F 2>/dev/null || date -v-1d +%F)
curl --silent --show-error --fail-with-body -X POST "${SALESFORECAST_URL:-http://localhost:8002}/api/sales/bulk-import" \
  -H "Authorization: Api-Key $SALESFORECAST_KEY" \
  -H "Content-Type: application/json" \
  -d "{\"sales_by_product_code\": {\"$1\": [{\"sale_date\": \"$yesterday\", \"quantity_sold\": $2}]}}"
echo
