// Plain tables: click a heading to sort, a button to copy.
const cellValue = (row, k) => {
  const cell = row.cells[k], text = cell.dataset.value ?? cell.textContent.trim();
  // Thousands separators and true minus signs are for the eye.
  const number = Number(text.replace(/,/g, "").replace("−", "-"));
  return text === "–" || text === "" ? null : Number.isNaN(number) ? text : number;
};

function compare(p, q) {
  if (p === null || q === null) return (p === null) - (q === null);
  return typeof p === "number" && typeof q === "number" ? p - q : String(p).localeCompare(String(q), "en", { numeric: true });
}

function sortBy(table, k) {
  const heading = table.tHead.rows[0].cells[k];
  const down = heading.getAttribute("aria-sort") === "ascending";
  [...table.tHead.rows[0].cells].forEach((cell) => cell.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  [...table.tBodies].forEach((body) => body.append(...[...body.rows]
    .sort((p, q) => (down ? -1 : 1) * compare(cellValue(p, k), cellValue(q, k)))));
}

function prepareTables() {
  document.querySelectorAll("table.sortable").forEach((table) => {
    [...table.tHead.rows[0].cells].forEach((cell, k) => {
      const button = element("button", cell.textContent);
      button.type = "button";
      button.addEventListener("click", () => sortBy(table, k));
      cell.replaceChildren(button);
    });
  });
  document.querySelectorAll(".copy").forEach((button) => button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      // Without leave to write, the text is selected for the keyboard.
      getSelection().selectAllChildren(button.previousElementSibling);
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }));
}
