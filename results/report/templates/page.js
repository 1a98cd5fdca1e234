// Draws every figure of the page in the colours of the page, and again when the reader's theme changes.
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function themed(layout) {
    const axis = { gridcolor: colour("--grid"), linecolor: colour("--line"), zeroline: false, ticks: "" };
    const axes = new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((key) => /^[xy]axis/.test(key))]);
    return {
      ...layout,
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour("--soft") },
      hoverlabel: { bgcolor: colour("--raised"), bordercolor: colour("--line"), font: { color: colour("--ink") } },
      ...Object.fromEntries([...axes].map((key) => [key, { ...layout[key], ...axis }])),
    };
  }

  function draw() {
    for (const place of document.querySelectorAll("[data-figure]")) {
      const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
      Plotly.react(place, figure.data, themed(figure.layout), { displayModeBar: false, responsive: true });
    }
  }

  draw();
  dark.addEventListener("change", draw);
})();

// Sorts tables by a click on a heading: within each group, numbers by size, dashes last; a second click turns it round.
(() => {
  const value = (row, column) => {
    const text = row.cells[column].firstChild === null ? "" : row.cells[column].textContent.trim();
    const number = Number.parseFloat(text.replace(/^#/, ""));
    return { text, number: text === "–" || text === "" ? Number.NaN : number };
  };

  function compare(a, b, sign) {
    const [first, second] = [Number.isNaN(a.number), Number.isNaN(b.number)];
    if (!first && !second) return sign * (a.number - b.number);
    if (first !== second) return first ? 1 : -1;
    return sign * a.text.localeCompare(b.text);
  }

  function sort(table, heading) {
    const sign = heading.getAttribute("aria-sort") === "descending" ? 1 : -1;
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
    for (const body of table.tBodies) {
      const rows = [...body.rows].filter((row) => !row.classList.contains("group"));
      rows.sort((a, b) => compare(value(a, heading.cellIndex), value(b, heading.cellIndex), sign));
      body.append(...rows);
    }
  }

  for (const table of document.querySelectorAll("table[data-sortable]")) {
    for (const heading of table.tHead.rows[0].cells) {
      if (heading.textContent.trim() === "") continue;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      button.addEventListener("click", () => sort(table, heading));
      heading.append(button);
    }
  }
})();
