// One cell opened: its facts, its verdict's reasons, its operators, its raw samples with the trials apart.

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

class Details {
  constructor(dialog, cells, details) {
    this.dialog = dialog;
    this.cells = cells;
    this.packed = details;
    this.title = dialog.querySelector("#details-title");
    this.body = dialog.querySelector("#details-body");
    dialog.querySelector("#close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog && event.offsetX < 0) dialog.close(); // on the darkened page beside it
    });
    dialog.addEventListener("close", () => {
      this.body.replaceChildren();
      this.open = null;
    });
  }

  async show(key) {
    const cell = this.cells[key];
    this.open = key;
    const { operators, trials } = await unpacked(this.packed[key]);
    if (this.open !== key) return;
    this.title.textContent = `${networkName(cell)} · ${cell.format} ${cell.precision} · ${cell.device}`;
    this.body.replaceChildren(this.verdict(cell), this.facts(cell));
    if (!this.dialog.open) this.dialog.showModal();
    this.body.append(element("h3", {}, "Operators, from profiled inferences"));
    if (operators.length) this.operators(cell, operators);
    else this.body.append(element("p", { class: "hint" }, "No trial of this cell was profiled."));
    this.body.append(element("h3", {}, "Raw samples, trial by trial"));
    if (trials.length) this.samples(cell, trials);
    else this.body.append(element("p", { class: "hint" }, "No trial of this cell ended, so there are no samples."));
    this.dialog.scrollTop = 0;
  }

  verdict(cell) {
    const place = element("div", {}, element("p", {}, badge(cell.verdict)));
    if (cell.reasons.length) {
      const list = element("ul");
      for (const [code, message, waived] of cell.reasons) {
        list.append(element("li", {}, element("code", {}, code), ` ${message}${waived ? " (waived)" : ""}`));
      }
      place.append(list);
    }
    return place;
  }

  facts(cell) {
    const unit = cell.unit;
    const ms = (value) => (value === null ? null : `${latencyText(value, unit)} ${unitName(unit)}`);
    const [same, sqnr, pictures] = cell.agreement ?? [];
    return definitions([
      ["Latency", cell.latency === null ? "none" : `${ms(cell.latency)}${cell.low === null ? " (one trial: no interval)" : `, ${unit === "ms" ? "95 % interval" : "range"} ${latencyText(cell.low, unit)} to ${latencyText(cell.high, unit)}`}`],
      ["p90, p99", cell.p90 === null ? null : `${ms(cell.p90)}, ${cell.p99 === null ? "too few samples for p99" : ms(cell.p99)} (all samples)`],
      ["CPU time", ms(cell.cpu)],
      ["First inference", ms(cell.cold)],
      ["Load", ms(cell.load)],
      ["Trials", `${cell.trials} of ${cell.planned} ended, ${cell.samples} samples, ${percent(cell.disturbed)} of them disturbed`],
      ["Threads, cores", `${cell.threads}, ${cell.cores}`],
      ["Noise", cell.noise === null ? null : `${percent(cell.noise)} (standard deviation over mean of undisturbed samples)`],
      ["Cost", `${digits(cell.macs / 1e6)} M MACs, ${digits(cell.bytes / 1e6)} MB memory access cost${cell.params === null ? "" : `, ${digits(cell.params / 1e6)} M parameters`}`],
      ["Published top-1", cell.top1 === null ? "unknown" : `${cell.top1.toFixed(1)} % published: ${cell.source}`],
      ["Measured top-1", cell.score ? `${cell.score.top1.toFixed(1)} % (${cell.score.low.toFixed(1)} to ${cell.score.high.toFixed(1)}), top-5 ${cell.score.top5.toFixed(1)} %, on ${cell.score.data}, ${cell.score.pictures} pictures` : null],
      ["Weights", cell.weights],
      ["Against float", cell.agreement ? `same first class in ${percent(same, 0)} of ${pictures} pictures, ${sqnr === null ? "equal outputs" : `SQNR ${sqnr.toFixed(1)} dB`}` : null],
      ["Peak memory", cell.memory === null ? null : `${digits(cell.memory / 1e6)} MB`],
      ["On the fast path", cell.delegated === null ? null : `${percent(cell.delegated, 0)} of the operators`],
      ["Profiling slows by", cell.overhead === null ? null : percent(cell.overhead)],
      ["File", `${digits(cell.size / 1e6)} MB, SHA-256 ${cell.sha256}`],
      ["Run", cell.run],
    ]);
  }

  operators(cell, rows) {
    const colours = palette();
    const timed = cell.unit === "ms";
    const amount = (time) => (timed ? time / 1e3 : time / 1e6);
    const types = new Map();
    for (const [, , type, time] of rows) types.set(type, (types.get(type) ?? 0) + time);
    const sorted = [...types].sort((a, b) => a[1] - b[1]).slice(-14);
    const byType = element("div", { class: "chart", id: "operators-by-type", role: "img", "aria-label": `Time by operator type; most: ${sorted.at(-1)[0]}` });
    const timeline = element("div", { class: "chart small", id: "operators-in-order", role: "img", "aria-label": "Time of each operator in order of execution" });
    this.body.append(byType, timeline);
    byType.style.height = `${110 + 26 * sorted.length}px`;
    const narrow = (text) => plain(text.length > 30 ? `${text.slice(0, 29)}…` : text);
    const unit = timed ? "ms" : "million instructions";
    Plotly.newPlot(byType, [{
      type: "bar", orientation: "h", x: sorted.map(([, time]) => amount(time)), y: sorted.map((_, index) => index),
      marker: { color: colours[cell.precision] }, hovertext: sorted.map(([type, time]) => `${plain(type)}<br>${digits(amount(time))} ${unit}`), hovertemplate: "%{hovertext}<extra></extra>",
    }], {
      ...layoutBase(colours), bargap: 0.3, xaxis: axisBase(colours, `${unit} by operator type`),
      yaxis: { ...axisBase(colours, ""), tickvals: sorted.map((_, index) => index), ticktext: sorted.map(([type]) => narrow(type)) },
    }, PLOT_OPTIONS);
    const starts = [];
    rows.reduce((sum, row) => { starts.push(sum); return sum + amount(row[3]); }, 0);
    Plotly.newPlot(timeline, [{
      type: "bar", x: rows.map((row, index) => starts[index] + amount(row[3]) / 2), width: rows.map((row) => amount(row[3])), y: rows.map((row) => (timed ? row[3] : row[3] / 1e3)),
      marker: { color: rows.map((row) => (row[7] ? colours[cell.precision] : colours.mark)), line: { width: 0 } },
      hovertext: rows.map((row) => `${row[0]}. ${narrow(row[1])}<br>${plain(row[2])}<br>${digits(amount(row[3]))} ${unit} (${percent(row[4])})${row[7] ? "" : "<br>outside the fast path"}`),
      hovertemplate: "%{hovertext}<extra></extra>",
    }], {
      ...layoutBase(colours), xaxis: axisBase(colours, `${unit}, operators end to end`), yaxis: axisBase(colours, timed ? "µs each" : "thousand each"),
    }, PLOT_OPTIONS);
    this.body.append(this.operatorTable(cell, rows));
  }

  operatorTable(cell, rows) {
    const timed = cell.unit === "ms";
    const titles = ["#", "Operator", "Type", timed ? "µs" : "Instructions (k)", "Share", "MACs (M)", "Memory (kB)", "MACs/byte"];
    const head = element("tr", {}, ...titles.map((title, index) => element("th", { scope: "col", class: index === 0 || index > 2 ? "number" : null }, title)));
    const body = element("tbody");
    for (const [order, name, type, time, share, macs, bytes, fast] of [...rows].sort((a, b) => b[3] - a[3])) {
      const figures = [digits(timed ? time : time / 1e3), percent(share), digits(macs / 1e6, 3), bytes === null ? "–" : digits(bytes / 1e3, 3), bytes ? digits(macs / bytes, 3) : "–"];
      body.append(element("tr", {}, element("td", { class: "number" }, String(order)), element("td", { class: "wrap" }, name), element("td", { class: "wrap" }, type + (fast ? "" : " (outside the fast path)")),
        ...figures.map((text) => element("td", { class: "number" }, text))));
    }
    const table = element("table", { id: "operator-table" }, element("caption", {}, `${rows.length} operators, slowest first`), element("thead", {}, head), body);
    return element("div", { class: "scroll long", tabindex: "0", role: "region", "aria-label": "Operators" }, table);
  }

  samples(cell, trials) {
    const colours = palette();
    const all = trials.reduce((sum, trial) => sum + trial[2], 0);
    const shown = trials.reduce((sum, trial) => sum + trial[1].length, 0);
    const figure = element("div", { class: "chart strip", id: "raw-samples", role: "img", "aria-label": `${all} raw samples of ${trials.length} trials` });
    this.body.append(figure, element("p", { class: "hint" },
      `Each mark is one inference, in order; crosses were disturbed by another process.${shown < all ? ` ${shown} of ${all} samples are drawn, evenly spaced.` : ""}`));
    const scale = (value) => (cell.unit === "ms" ? value : value / 1e6);
    const traces = trials.map(([block, walls, count, disturbed], index) => {
      const marked = new Set(disturbed);
      return {
        type: "scatter", mode: "markers", name: `trial ${block + 1}`,
        x: walls.map((_, place) => index + 0.1 + (0.8 * (place + 0.5)) / walls.length), y: walls.map(scale),
        marker: { size: 5, opacity: 0.75, color: walls.map((_, place) => (marked.has(place) ? colours.mark : colours[cell.precision])), symbol: walls.map((_, place) => (marked.has(place) ? "x" : "circle")) },
        hovertemplate: `trial ${block + 1}, ${count} samples: %{y:.4~g}<extra></extra>`, showlegend: false,
      };
    });
    Plotly.newPlot(figure, traces, {
      ...layoutBase(colours), xaxis: { ...axisBase(colours, "trial"), tickvals: trials.map((_, index) => index + 0.5), ticktext: trials.map(([block]) => String(block + 1)), showgrid: false, range: [0, trials.length] },
      yaxis: axisBase(colours, cell.unit === "ms" ? "ms" : "million instructions"),
    }, PLOT_OPTIONS);
  }
}
