// Puts the page together: data in, filters, one chart and one table a clock, details on a click.

const data = JSON.parse(document.getElementById("report-data").textContent);
data.cells.forEach((cell, key) => { cell.key = key; });

const details = new Details(document.getElementById("details"), data.cells, data.details);
const opened = (key) => details.show(key);
const units = ["ms", "instructions"].filter((unit) => data.cells.some((cell) => cell.unit === unit));
const panels = document.getElementById("panels");
const places = document.getElementById("cell-tables");
const charts = units.map((unit) => {
  if (units.length > 1) panels.append(element("h3", {}, unit === "ms" ? "Measured in time" : "Counted in instructions on an emulated board"));
  return new Chart(panels, unit, opened);
});
const tables = units.map((unit) => new CellTable(places, unit, data.cells, opened));
if (!data.cells.length) places.append(element("p", { class: "notice" }, "This run planned no cell."));

addMeasured(data.cells);
const vertical = document.getElementById("vertical");
for (const [key, { title, value }] of Object.entries(VERTICALS)) {
  if (data.cells.some((cell) => value(cell) !== null)) vertical.append(element("option", { value: key }, title));
}
const logarithmic = document.getElementById("logarithmic");

// Resolves when everything is in the page.
function draw() {
  const shown = filters.shown();
  for (const chart of charts) chart.draw(shown, vertical.value, logarithmic.checked);
  document.getElementById("count").textContent = `${shown.length} of ${data.cells.length} cells shown`;
  return Promise.all(tables.map((table) => table.show(shown)));
}

const filters = new Filters(document.getElementById("filters"), data.cells, draw);
vertical.addEventListener("change", draw);
logarithmic.addEventListener("change", draw);
darkGround.addEventListener("change", () => {
  draw();
  if (details.open !== null && details.open !== undefined) details.show(details.open);
});

const counted = (verdict) => data.cells.filter((cell) => cell.verdict === verdict).length;
const latencies = data.cells.filter((cell) => cell.latency !== null).length;
document.getElementById("summary").textContent =
  `${data.cells.length} cells on ${[...new Set(data.cells.map((cell) => cell.device))].join(", ") || "no device"}: ` +
  `${counted("valid")} valid, ${counted("suspect")} suspect, ${counted("invalid")} invalid.` +
  (data.cells.length && !latencies ? " None of them has a latency." : "") +
  (data.cells.length && data.cells.every((cell) => cell.top1 === null && !cell.score) ? " No accuracy is known for any of them." : "") +
  (data.runs.some((run) => run.quick) ? " Quick runs are good for a look and not for a claim." : "");
showDevices(document.getElementById("device-list"), data.runs, data.devices);
draw().then(async () => {
  document.documentElement.dataset.ready = "yes";
  await painted();
  performance.mark("drawn"); // read by benchmarks/report_scale.py
});
painted().then(() => performance.mark("chart-drawn"));
