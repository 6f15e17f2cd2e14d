"use strict";
// Without this script the page says the same; with it, tables sort and filter.

function sortKey(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.sort ?? cell.textContent.trim();
  return text !== "" && !isNaN(text) ? Number(text) : text.toLowerCase();
}

function compare(a, b) {
  if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
  return typeof a === "number" ? 1 : -1; // a missing number comes before every number
}

function sortBy(table, header) {
  const downwards = header.getAttribute("aria-sort") === "ascending";
  const first = header.classList.contains("number") && !header.hasAttribute("aria-sort");
  const sign = downwards || first ? -1 : 1;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
  const column = header.cellIndex;
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => sign * compare(sortKey(a, column), sortKey(b, column)));
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table.results")) {
  if (table.tBodies[0].rows.length < 2) continue;
  for (const header of table.tHead.rows[0].cells) {
    if (header.classList.contains("plain")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Sort by this column";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sortBy(table, header));
    header.append(button);
  }
}

function addFilter(place) {
  const rows = [...document.querySelectorAll("table.results tbody tr")];
  if (!place || rows.length < 3) return;
  const label = document.createElement("label");
  const input = document.createElement("input");
  const shown = document.createElement("span");
  input.type = "search";
  input.placeholder = "for example deep_cnn classic";
  shown.className = "small";
  shown.setAttribute("role", "status");
  label.append("Show rows with", input, shown);
  place.append(label);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    const left = rows.filter((row) => !row.hidden).length;
    shown.textContent = words.length ? left + " of " + rows.length + " rows" : "";
  });
}
addFilter(document.getElementById("controls"));

function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  const details = target && target.closest("details");
  if (!details) return;
  details.open = true;
  details.scrollIntoView();
  details.querySelector("summary").focus({ preventScroll: true });
}
addEventListener("hashchange", openTarget);
openTarget();

// On paper nothing can be opened.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const details of opened) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of opened) details.open = false;
});
