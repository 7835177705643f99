// The main chart: latency across, what it buys or costs upwards; one panel a clock, never one axis for two.

const VERTICALS = {
  top1: { title: "published top-1 in %", value: (cell) => cell.top1, front: true, hollow: true },
  macs: { title: "million MACs of one inference", value: (cell) => cell.macs / 1e6 },
  bytes: { title: "memory access cost in MB", value: (cell) => cell.bytes / 1e6 },
  size: { title: "file size in MB", value: (cell) => cell.size / 1e6 },
  params: { title: "million parameters", value: (cell) => (cell.params === null ? null : cell.params / 1e6) },
};

// A top-1 measured on the device has an axis for each data set: easy pictures and ImageNet never share one.
function addMeasured(cells) {
  for (const data of new Set(cells.filter((cell) => cell.score).map((cell) => cell.score.data))) {
    const of = (key) => (cell) => (cell.score?.data === data ? cell.score[key] : null);
    const pictures = Math.max(...cells.filter((cell) => cell.score?.data === data).map((cell) => cell.score.pictures));
    VERTICALS[`score:${data}`] = { title: `measured top-1 in %, ${data} (${pictures} pictures)`, value: of("top1"), low: of("low"), high: of("high"), front: true };
  }
}

const MANY = 100; // marks of a kind; beyond it their intervals are one line with gaps: plotly draws a path for each error bar

// Dominated only if the intervals say so: another one's whole intervals are no slower and no less accurate.
function dominated(cell, others, { value, low = value, high = value }) {
  const fastest = cell.low ?? cell.latency;
  return others.some((other) => {
    if (other === cell) return false;
    const slowest = other.high ?? other.latency;
    return slowest <= fastest && low(other) >= high(cell) && (slowest < fastest || low(other) > high(cell));
  });
}

function frontOf(cells, vertical) {
  const able = cells.filter((cell) => cell.verdict !== "invalid");
  return able.filter((cell) => !dominated(cell, able, vertical)).sort((a, b) => a.latency - b.latency || vertical.value(b) - vertical.value(a));
}

// The front of the medians alone: joined with those that only their wide intervals keep on it, the line would zigzag.
function rising(members, { value }) {
  const line = [];
  for (const cell of members) if (!line.length || value(cell) > value(line.at(-1))) line.push(cell);
  return line;
}

// Which marks carry their network's name: those on the line, then each other network's fastest, where there is room.
function named(cells, line, vertical, logarithmic, width) {
  if (width <= 560) return new Set();
  const fastest = new Map();
  for (const cell of [...cells].sort((a, b) => a.latency - b.latency)) if (!fastest.has(cell.network)) fastest.set(cell.network, cell);
  const along = (value) => (logarithmic ? Math.log(value) : value);
  const span = (values) => [Math.min(...values), Math.max(...values)];
  const [left, right] = span(cells.map((cell) => along(cell.latency)));
  const [low, high] = span(cells.map(vertical.value));
  const spots = [];
  const chosen = new Set();
  for (const cell of [...line, ...(fastest.size <= 20 ? fastest.values() : [])].slice(0, 40)) {
    if (spots.some((spot) => spot.network === cell.network)) continue;
    const spot = { network: cell.network, x: (width * (along(cell.latency) - left)) / (right - left || 1), y: (360 * (vertical.value(cell) - low)) / (high - low || 1), reach: 3.6 * Math.min(cell.network.length, 26) };
    if (spots.some((other) => Math.abs(other.x - spot.x) < other.reach + spot.reach && Math.abs(other.y - spot.y) < 16)) continue;
    spots.push(spot);
    chosen.add(cell);
  }
  return chosen;
}

class Chart {
  constructor(place, unit, opened) {
    this.unit = unit;
    this.figure = element("div", { class: "chart", id: `chart-${unit}`, role: "img" });
    this.words = element("p", { class: "hint" });
    place.append(this.figure, this.words);
    this.opened = opened;
  }

  draw(cells, vertical, logarithmic) {
    const colours = palette();
    const chosenAxis = VERTICALS[vertical];
    const { title, value, front } = chosenAxis;
    const mine = cells.filter((cell) => cell.unit === this.unit);
    const able = mine.filter((cell) => cell.latency !== null);
    const known = able.filter((cell) => value(cell) !== null);
    const unknown = able.filter((cell) => value(cell) === null);
    const members = front ? frontOf(known, chosenAxis) : [];
    const traces = [];
    const line = rising(members, chosenAxis);
    this.named = known.length ? named(known, line, chosenAxis, logarithmic, this.figure.clientWidth) : new Set();
    if (line.length > 1) {
      traces.push({
        x: line.map((cell) => this.across(cell.latency)), y: line.map(value), mode: "lines", name: "Pareto front of medians",
        line: { color: colours.mark, width: 2, dash: "dot" }, hoverinfo: "skip",
      });
    }
    for (const precision of PRECISIONS) {
      for (const format of Object.keys(FORMAT_MARKS)) {
        const chosen = (cell) => cell.precision === precision && cell.format === format;
        const here = known.filter(chosen);
        const strip = unknown.filter(chosen);
        if (here.length > MANY) traces.push(this.intervals(here, value, `${format} ${precision}`, colours, "y"));
        if (strip.length > MANY) traces.push(this.intervals(strip, () => 0, `${format} ${precision}`, colours, "y2"));
        if (here.length) traces.push(this.marks(here, here.map(value), `${format} ${precision}`, colours, new Set(members), "y", chosenAxis));
        if (strip.length) traces.push(this.marks(strip, strip.map(() => 0), `${format} ${precision}`, colours, new Set(), "y2", { hollow: true }, here.length > 0));
      }
    }
    const layout = {
      ...layoutBase(colours),
      // Fixed margins: automatic ones lay the whole chart out twice.
      xaxis: { ...axisBase(colours, latencyTitle(this.unit)), automargin: false, type: logarithmic ? "log" : "linear", anchor: unknown.length ? "y2" : "y", minor: { ticks: "outside" } },
      yaxis: { ...axisBase(colours, title), automargin: false, domain: unknown.length ? [0.16, 1] : [0, 1] },
    };
    if (!logarithmic) layout.xaxis.rangemode = "tozero";
    if (unknown.length) {
      layout.yaxis2 = { domain: known.length ? [0, 0.1] : [0, 1], range: [-1, 1], tickvals: [0], ticktext: ["unknown"], gridcolor: colours.line, zeroline: false, fixedrange: true };
    }
    if (!able.length) {
      layout.xaxis.visible = layout.yaxis.visible = false;
      layout.annotations = [{ text: mine.length ? "no cell shown here has a latency" : "no cell is shown", showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5, font: { size: 15 } }];
    }
    layout.height = !able.length ? 110 : !known.length ? 190 : this.figure.clientWidth < 560 ? 400 : 480;
    this.figure.style.height = `${layout.height}px`;
    if (!known.length) layout.yaxis.visible = false;
    Plotly.react(this.figure, traces, layout, PLOT_OPTIONS);
    if (!this.listening) {
      this.figure.on("plotly_click", (event) => {
        const key = event.points[0]?.customdata;
        if (key !== undefined) this.opened(key);
      });
      this.listening = true;
    }
    this.describe(mine, able, members, title);
  }

  across(latency) {
    return this.unit === "ms" ? latency : latency / 1e6;
  }

  marks(cells, heights, name, colours, members, axis, { hollow, low, high }, hidden = false) {
    const colour = colours[cells[0].precision];
    const shape = FORMAT_MARKS[cells[0].format];
    const ends = (pick) => cells.map((cell) => (cell[pick] === null ? 0 : Math.abs(this.across(cell[pick]) - this.across(cell.latency))));
    return {
      type: "scatter", mode: cells.some((cell) => this.named.has(cell)) && axis === "y" ? "markers+text" : "markers", name, yaxis: axis, showlegend: !hidden, legendgroup: name,
      x: cells.map((cell) => this.across(cell.latency)), y: heights,
      error_x: cells.length > MANY ? { visible: false } : { type: "data", symmetric: false, array: ends("high"), arrayminus: ends("low"), color: colour, thickness: 1.2, width: 3 },
      error_y: low ? { type: "data", symmetric: false, array: cells.map((cell, place) => high(cell) - heights[place]), arrayminus: cells.map((cell, place) => heights[place] - low(cell)), color: colour, thickness: 1.2, width: 3 } : { visible: false },
      marker: {
        size: cells.map((cell) => (members.has(cell) ? 12 : 9)),
        color: cells.map((cell) => (cell.verdict === "invalid" ? colours.off : colour)),
        symbol: cells.map((cell) => (cell.verdict === "invalid" ? "x-thin-open" : shape + (hollow ? "-open" : ""))),
        line: { width: 2 },
      },
      text: cells.map((cell) => (this.named.has(cell) ? plain(cell.network.length > 26 ? `${cell.network.slice(0, 25)}…` : cell.network) : "")),
      textposition: "top center", textfont: { size: 11, color: colours.ink }, cliponaxis: true,
      customdata: cells.map((cell) => cell.key),
      hovertext: cells.map((cell) => this.hover(cell)), hovertemplate: "%{hovertext}<extra></extra>",
    };
  }

  intervals(cells, value, name, colours, axis) {
    const known = cells.filter((cell) => cell.low !== null);
    return {
      type: "scatter", mode: "lines", name, yaxis: axis, showlegend: false, legendgroup: name, hoverinfo: "skip", line: { color: colours[cells[0].precision], width: 1.2, simplify: false },
      x: known.flatMap((cell) => [this.across(cell.low), this.across(cell.high), null]), y: known.flatMap((cell) => [value(cell), value(cell), null]),
    };
  }

  hover(cell) {
    const interval = cell.low === null ? "one trial, no interval" : `${latencyText(cell.low, this.unit)} to ${latencyText(cell.high, this.unit)}`;
    const lines = [
      `<b>${plain(networkName(cell))}</b>  ${plain(cell.format)} ${plain(cell.precision)}`,
      `${plain(cell.device)}, threads ${cell.threads}, cores ${plain(cell.cores)}`,
      `${latencyText(cell.latency, this.unit)} ${unitName(this.unit)} (${interval})`,
      cell.top1 === null ? "top-1 unknown" : `top-1 ${cell.top1.toFixed(1)} % (published)`,
      ...(cell.score ? [`top-1 ${cell.score.top1.toFixed(1)} % (${plain(cell.score.data)}, ${cell.score.pictures} pictures)`] : []),
      `${digits(cell.macs / 1e6)} M MACs, ${digits(cell.size / 1e6)} MB`,
      `<b>${plain(cell.verdict)}</b> ${plain(codesOf(cell).join(" "))}`,
      ...cell.reasons.slice(0, 3).map(([, message]) => plain(message.length > 90 ? `${message.slice(0, 89)}…` : message)),
    ];
    return lines.join("<br>");
  }

  describe(mine, able, members, title) {
    const names = members.slice(0, 8).map((cell) => `${cell.network} ${cell.format} ${cell.precision}`).join(", ");
    const lost = mine.length - able.length;
    this.figure.setAttribute("aria-label", `${able.length} cells, ${latencyTitle(this.unit)} against ${title}. ${names ? `Pareto front: ${names}.` : ""} The table below has the same figures.`);
    this.words.textContent =
      (lost ? `${lost} ${lost === 1 ? "cell has" : "cells have"} no latency and ${lost === 1 ? "is" : "are"} only in the table. ` : "") +
      (mine.some((cell) => cell.weights === "random") ? "* measured with random weights. " : "") +
      (members.length ? `On the front, as far as the intervals tell: ${names}${members.length > 8 ? " and more" : ""}.` : "");
  }
}
