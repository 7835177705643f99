// Which cells are shown: one group of boxes a property, and a search over names and codes.

const GROUPS = [["family", "Family"], ["precision", "Precision"], ["format", "Format"], ["device", "Device"], ["verdict", "Verdict"], ["run", "Run"]];

class Filters {
  constructor(form, cells, changed) {
    this.form = form;
    this.cells = cells;
    this.search = form.querySelector("#search");
    const groups = form.querySelector("#groups");
    for (const [key, title] of GROUPS) {
      const values = [...new Set(cells.map((cell) => cell[key]))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
      if (values.length < 2) continue;
      const choices = element("div", { class: "choices" });
      for (const value of values) {
        choices.append(element("label", {}, element("input", { type: "checkbox", name: key, value, checked: true }), value));
      }
      const toggle = element("button", { type: "button", class: "toggle", "aria-label": `${title}: all or none` }, "all/none");
      toggle.addEventListener("click", () => {
        const boxes = [...choices.querySelectorAll("input")];
        const on = boxes.some((box) => !box.checked);
        for (const box of boxes) box.checked = on;
        changed();
      });
      groups.append(element("fieldset", {}, element("legend", {}, title, " ", toggle), choices));
    }
    for (const cell of cells) {
      cell.text = [cell.network, cell.family, cell.format, cell.precision, cell.device, cell.verdict, cell.run, ...codesOf(cell)]
        .join(" ").toLowerCase();
    }
    let waiting = 0;
    form.addEventListener("input", () => {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(changed);
    });
    form.addEventListener("reset", () => setTimeout(changed));
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  shown() {
    const off = {};
    for (const box of this.form.querySelectorAll("fieldset input:not(:checked)")) (off[box.name] ??= new Set()).add(box.value);
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    return this.cells.filter(
      (cell) => !Object.entries(off).some(([key, values]) => values.has(cell[key])) && words.every((word) => cell.text.includes(word)),
    );
  }
}
