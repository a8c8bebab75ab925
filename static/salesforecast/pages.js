// A form that was sent says so, and is not sent twice.
"use strict";

document.addEventListener("submit", (event) => {
    const button = event.target.querySelector(".sf-button[type=submit]");
    if (!button || event.target.hasAttribute("hx-post")) return;
    button.setAttribute("aria-busy", "true");
    setTimeout(() => { button.disabled = true; });
});

// The way back in the browser's history shows the page as it was left.
window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll(".sf-button[aria-busy]")) {
        button.removeAttribute("aria-busy");
        button.disabled = false;
    }
});

document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
});

// The theme folds tabs that do not fit when the window's width changes; a font that comes later makes them wider too.
document.fonts.ready.then(() => window.dispatchEvent(new Event("resize")));
