// How figures are written, and the few DOM and plotly words that every part shares. Text enters the page only as text
// nodes; text for plotly, which reads a little markup, goes through plain().

const FORMAT_MARKS = { onnx: "square", tflite: "circle" };
const PRECISIONS = ["fp32", "fp16", "int8"];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function plain(text) {
  return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function digits(value, count = 4) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0";
  const places = Math.max(0, count - 1 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(places, 6));
}

function latencyText(value, unit) {
  if (value === null || value === undefined) return "–";
  return unit === "ms" ? digits(value) : (value / 1e6).toFixed(3);
}

function percent(share, places = 1) {
  return share === null || share === undefined ? "–" : `${(100 * share).toFixed(places)} %`;
}

function unitName(unit) {
  return unit === "ms" ? "ms" : "million instructions";
}

function latencyTitle(unit) {
  return unit === "ms" ? "latency in ms" : "million instructions (not a latency)";
}

function codesOf(cell) {
  return cell.reasons.map(([code, , waived]) => (waived ? `(${code})` : code));
}

function networkName(cell) {
  return cell.network + (cell.weights === "random" ? "*" : "");
}

function badge(verdict) {
  return element("span", { class: `badge ${verdict}` }, verdict);
}

function definitions(pairs) {
  const list = element("dl");
  for (const [term, value] of pairs) {
    if (value === null || value === undefined || value === "") continue;
    list.append(element("dt", {}, term), element("dd", {}, value));
  }
  return list;
}

// After the next frame is on the screen.
function painted() {
  return new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}

const darkGround = window.matchMedia("(prefers-color-scheme: dark)");

// Okabe and Ito's colours, told apart by readers who are colour-blind; a lighter set on a dark ground.
function palette() {
  return darkGround.matches
    ? { ink: "#e8eaee", quiet: "#a5adba", line: "#383f4b", ground: "#14171c", fp32: "#56b4e9", fp16: "#2fc49a", int8: "#f0853d", off: "#8b93a1", mark: "#e29bc4" }
    : { ink: "#1b1f26", quiet: "#565d69", line: "#d5d9e0", ground: "#ffffff", fp32: "#0072b2", fp16: "#009e73", int8: "#d55e00", off: "#8b93a1", mark: "#a3477d" };
}

function layoutBase(colours) {
  return {
    paper_bgcolor: colours.ground,
    plot_bgcolor: colours.ground,
    font: { family: "system-ui, Segoe UI, Roboto, sans-serif", size: 13, color: colours.ink },
    hoverlabel: { align: "left", namelength: -1, bgcolor: colours.ground, bordercolor: colours.quiet, font: { color: colours.ink } },
    margin: { l: 62, r: 14, t: 12, b: 52 },
    hovermode: "closest",
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: { size: 12 } },
  };
}

function axisBase(colours, title) {
  return { title: { text: title, standoff: 8 }, gridcolor: colours.line, zerolinecolor: colours.line, linecolor: colours.line, automargin: true };
}

// Nothing leaves the page: plotly's own button would hand a chart with its data to a site of theirs.
const PLOT_OPTIONS = { responsive: true, displaylogo: false, showSendToCloud: false, plotlyServerURL: "", displayModeBar: window.innerWidth < 560 ? false : "hover", modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
