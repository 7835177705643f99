// The table of cells: one a clock, sortable by any column.

function columnsFor(unit, cells) {
  const several = (key) => new Set(cells.map((cell) => cell[key])).size > 1;
  const columns = [
    { key: "network", title: "Network", sort: (cell) => cell.network },
    { key: "format", title: "Format", sort: (cell) => cell.format, text: (cell) => cell.format },
    { key: "precision", title: "Precision", sort: (cell) => cell.precision, text: (cell) => cell.precision },
    { key: "device", title: "Device", sort: (cell) => cell.device, text: (cell) => cell.device },
    { key: "threads", title: "Threads", number: true, sort: (cell) => cell.threads, text: (cell) => String(cell.threads) },
    { key: "latency", title: unit === "ms" ? "Latency (ms)" : "Instructions (M)", number: true, sort: (cell) => cell.latency, text: (cell) => latencyText(cell.latency, unit) },
    { key: "interval", title: unit === "ms" ? "95 % interval" : "Range", number: true, sort: (cell) => (cell.low === null ? null : (cell.high - cell.low) / cell.latency),
      text: (cell) => (cell.low === null ? "–" : `${latencyText(cell.low, unit)} – ${latencyText(cell.high, unit)}`) },
    { key: "verdict", title: "Verdict", sort: (cell) => ["valid", "suspect", "invalid"].indexOf(cell.verdict) },
    { key: "top1", title: "Top-1 (%)", number: true, sort: (cell) => cell.top1, text: (cell) => (cell.top1 === null ? "–" : cell.top1.toFixed(1)) },
    { key: "score", title: "Measured (%)", number: true, sort: (cell) => cell.score?.top1 ?? null, text: (cell) => (cell.score ? cell.score.top1.toFixed(1) : "–") },
    { key: "macs", title: "MACs (M)", number: true, sort: (cell) => cell.macs, text: (cell) => digits(cell.macs / 1e6) },
    { key: "size", title: "File (MB)", number: true, sort: (cell) => cell.size, text: (cell) => digits(cell.size / 1e6, 3) },
    { key: "cold", title: unit === "ms" ? "Cold (ms)" : "Cold (M)", number: true, sort: (cell) => cell.cold, text: (cell) => latencyText(cell.cold, unit) },
  ];
  const constant = ["device", "threads"].filter((key) => !several(key));
  if (!cells.some((cell) => cell.score)) constant.push("score");
  return columns.filter((column) => !constant.includes(column.key));
}

const FIRST = 100; // rows drawn with the chart; laying out a thousand takes longer than the chart, so the others follow

class CellTable {
  constructor(place, unit, cells, opened) {
    this.unit = unit;
    this.columns = columnsFor(unit, cells);
    this.order = { key: "latency", falling: false };
    this.body = element("tbody");
    this.heads = new Map();
    const row = element("tr");
    for (const column of this.columns) {
      const button = element("button", { type: "button" }, column.title);
      button.addEventListener("click", () => this.sortBy(column.key));
      const head = element("th", { scope: "col", class: column.number ? "number" : null }, button);
      this.heads.set(column.key, head);
      row.append(head);
    }
    this.caption = element("caption");
    const table = element("table", { class: "cells" }, this.caption, element("thead", {}, row), this.body);
    place.append(element("div", { class: "scroll long", tabindex: "0", role: "region", "aria-label": `Cells measured in ${unitName(unit)}` }, table));
    this.opened = opened;
    this.rows = new Map();
    this.shown = [];
  }

  row(cell) {
    if (!this.rows.has(cell.key)) this.rows.set(cell.key, this.newRow(cell));
    return this.rows.get(cell.key);
  }

  newRow(cell) {
    const button = element("button", { type: "button", class: "open", "aria-haspopup": "dialog" }, networkName(cell));
    button.addEventListener("click", () => this.opened(cell.key));
    const made = element("tr", {}, element("th", { scope: "row" }, button));
    for (const column of this.columns.slice(1)) {
      if (column.key === "verdict") {
        made.append(element("td", { class: "verdict" }, badge(cell.verdict), " ", element("span", { class: "codes" }, codesOf(cell).join(" "))));
      } else {
        made.append(element("td", { class: column.number ? "number" : null }, column.text(cell)));
      }
    }
    return made;
  }

  sortBy(key) {
    this.order = { key, falling: this.order.key === key ? !this.order.falling : false };
    this.show(this.shown);
  }

  // Resolves when every row is in the table.
  async show(cells) {
    this.shown = cells.filter((cell) => cell.unit === this.unit);
    const { key, falling } = this.order;
    const value = this.columns.find((column) => column.key === key).sort;
    const sign = falling ? -1 : 1;
    const sorted = [...this.shown].sort((a, b) => {
      const [left, right] = [value(a), value(b)];
      if (left === null || right === null) return (left === null) - (right === null); // unknown ones last, either way
      return sign * (typeof left === "string" ? left.localeCompare(right, "en", { numeric: true }) : left - right);
    });
    for (const [name, head] of this.heads) {
      if (name === key) head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    this.caption.textContent = this.shown.length ? `${this.shown.length} cells, ${latencyTitle(this.unit)}` : `No cell in ${unitName(this.unit)} fits the filters.`;
    this.body.replaceChildren(...sorted.slice(0, FIRST).map((cell) => this.row(cell)));
    const rest = (this.rest = sorted.slice(FIRST));
    if (!rest.length) return;
    await painted();
    if (this.rest === rest) this.body.append(...rest.map((cell) => this.row(cell))); // else another order came in between
  }
}
