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

// A list is shown anew, with its buttons and pages, when work on it ends: not while somebody ticks or types.
const isChanged = (field) => {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (!field.options) return field.type !== "hidden" && "defaultValue" in field && field.value !== field.defaultValue;
    const first = [...field.options].findIndex((option) => option.defaultSelected);
    return field.selectedIndex !== Math.max(first, 0);
};

document.addEventListener("run-finished", () => {
    if (!document.querySelector("[data-shows-runs]")) return;
    const fields = [...document.forms].flatMap((form) => [...form.elements]);
    if (!fields.some(isChanged)) location.replace(location.href);
});
