// Sorts the table of "fact against forecast" and draws the chart from its rows, in their order.
"use strict";

(() => {
    const table = document.getElementById("comparison");
    if (!table) return;
    const body = table.tBodies[0];
    const canvas = document.getElementById("chart");
    const TEXTS = new Set(["date", "department"]);
    let chart = null;

    const number = (text) => (text === "" || text === undefined ? null : Number(text));
    const day = (iso) => iso.split("-").reverse().join(".");
    const decimalMark = document.documentElement.lang.startsWith("en") ? "." : ",";
    const grouped = (value, places = 0) =>
        value.toFixed(places).replace("-", "−").replace(".", decimalMark).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");

    function compare(column, direction) {
        return (a, b) => {
            const [left, right] = [a.dataset[column], b.dataset[column]];
            if (TEXTS.has(column)) {
                return direction * left.localeCompare(right, document.documentElement.lang) || a.dataset.date.localeCompare(b.dataset.date);
            }
            // Rows without a figure stay at the end, whichever way the others go.
            if (left === "" || right === "") return (left === "") - (right === "");
            return direction * (Number(left) - Number(right));
        };
    }

    function sort(order) {
        const descending = order.startsWith("-");
        const column = descending ? order.slice(1) : order;
        if (!table.querySelector(`[data-sort="${CSS.escape(column)}"]`)) return;
        body.append(...[...body.rows].sort(compare(column, descending ? -1 : 1)));
        for (const button of table.querySelectorAll("[data-sort]")) {
            const header = button.closest("th");
            if (button.dataset.sort === column) header.setAttribute("aria-sort", descending ? "descending" : "ascending");
            else header.removeAttribute("aria-sort");
        }
        draw();
    }

    function remember(order) {
        const address = new URL(location.href);
        address.searchParams.set("sort", order);
        history.replaceState(null, "", address);
        sort(order);
    }

    function draw() {
        if (!canvas || !window.Chart) return;
        const rows = [...body.rows];
        const values = (name) => rows.map((row) => number(row.dataset[name]));
        const [labels, forecast, lower, upper, actual] = [
            rows.map((row) => day(row.dataset.date)), values("forecast"), values("lower"), values("upper"), values("actual"),
        ];
        const style = getComputedStyle(document.documentElement);
        const colour = (name) => style.getPropertyValue(name).trim();
        const [blue, green] = [colour("--sf-forecast"), colour("--sf-actual")];
        const radius = rows.length > 60 ? 0 : 2;
        // A figure that is not to be believed is a triangle in the colour of a warning.
        const marks = (usual, doubtful) => rows.map((row) => ("doubtful" in row.dataset ? doubtful : usual));
        const marked = {
            pointStyle: marks("circle", "triangle"),
            pointRadius: marks(radius, 6),
            pointBackgroundColor: marks(green, colour("--sf-warn")),
            pointBorderColor: marks(green, colour("--sf-warn")),
        };
        if (chart) {
            chart.data.labels = labels;
            [upper, lower, forecast, actual].forEach((data, index) => { chart.data.datasets[index].data = data; });
            Object.assign(chart.data.datasets[3], marked);
            chart.update("none");
            return;
        }
        const band = `color-mix(in srgb, ${blue} 14%, transparent)`;
        const line = (label, data, borderColor) => ({
            label, data, borderColor, backgroundColor: borderColor, borderWidth: 2, pointRadius: radius, tension: 0.2, spanGaps: false,
        });
        const edge = (label, data, fill) => ({ label, data, fill, backgroundColor: band, borderWidth: 0, pointRadius: 0, pointHoverRadius: 0, tension: 0.2 });
        chart = new window.Chart(canvas, {
            type: "line",
            data: {
                labels,
                datasets: [
                    edge(canvas.dataset.interval, upper, "+1"),
                    edge("", lower, false),
                    line(canvas.dataset.forecast, forecast, blue),
                    { ...line(canvas.dataset.actual, actual, green), ...marked },
                ],
            },
            options: {
                responsive: true,
                maintainAspectRatio: false,
                animation: false,
                interaction: { mode: "index", intersect: false },
                color: colour("--sf-text"),
                scales: {
                    x: { ticks: { color: colour("--sf-soft"), maxRotation: 0, autoSkipPadding: 16 }, grid: { display: false } },
                    y: { beginAtZero: true, ticks: { color: colour("--sf-soft"), callback: (value) => grouped(value) }, grid: { color: colour("--sf-line") } },
                },
                plugins: {
                    legend: { labels: { color: colour("--sf-text"), boxWidth: 18, filter: (item) => item.text !== "" } },
                    tooltip: {
                        filter: (item) => item.datasetIndex !== 1,
                        callbacks: {
                            label: (item) => {
                                const { data } = item.chart;
                                if (item.datasetIndex === 0) {
                                    const low = data.datasets[1].data[item.dataIndex];
                                    return `${item.dataset.label}: ${grouped(low)} – ${grouped(item.parsed.y)}`;
                                }
                                return `${item.dataset.label}: ${grouped(item.parsed.y)}`;
                            },
                            // The rows stand in the order of the chart, also after sorting.
                            afterBody: (items) => {
                                const { state, settling } = body.rows[items[0].dataIndex].dataset;
                                return [state, settling].filter(Boolean);
                            },
                        },
                    },
                },
            },
        });
        canvas.chart = chart;
    }

    table.addEventListener("click", (event) => {
        const button = event.target.closest("[data-sort]");
        if (!button) return;
        const ascending = button.closest("th").getAttribute("aria-sort") === "ascending";
        remember(`${ascending ? "-" : ""}${button.dataset.sort}`);
    });
    // The theme decides the colours: draw again when it changes.
    new MutationObserver(() => {
        if (chart) { chart.destroy(); chart = null; draw(); }
    }).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });

    sort(new URL(location.href).searchParams.get("sort") || "date"); // a table without that column stays as it came
})();
