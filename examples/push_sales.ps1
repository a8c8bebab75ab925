# Push yesterday's sales by product code from Windows: run it with the Task Scheduler.
# Before: setx SALESFORECAST_URL http://your-server:8002 and setx SALESFORECAST_KEY the-key

$url = "$($env:SALESFORECAST_URL)/api/sales/bulk-import"
$yesterday = (Get-Date).AddDays(-1).ToString("yyyy-MM-dd")

# Replace this by your own figures. @( ... ) keeps one sale a list.
$sales = @{
    sales_by_product_code = @{
        "TRIG-001" = @(
            @{ sale_date = $yesterday; quantity_sold = 15; notes = "Regular sales" }
        )
        "TRIG-002" = @(
            @{ sale_date = $yesterday; quantity_sold = 22 }
        )
    }
}

# Windows PowerShell would send letters beyond ASCII as question marks: send bytes of UTF-8.
$json = $sales | ConvertTo-Json -Depth 10
$body = [System.Text.Encoding]::UTF8.GetBytes($json)
$headers = @{ Authorization = "Api-Key $($env:SALESFORECAST_KEY)" }

try {
    $answer = Invoke-RestMethod -Uri $url -Method Post -Headers $headers -Body $body -ContentType "application/json; charset=utf-8"
} catch {
    Write-Host "Error: $_"
    exit 1
}
Write-Host $answer.message
foreach ($product in $answer.results.errors) {
    Write-Host "  $($product.product_code): $($product.error)"
}
if ($answer.results.errors.Count -gt 0) { exit 1 }
