// What was measured with: runs, devices, versions, and the devices' own words.

function raw(title, text) {
  return element("details", {}, element("summary", {}, title), element("pre", { tabindex: "0" }, text));
}

function stateTexts(title, state) {
  if (!state) return null;
  const lines = Object.entries(state.files).map(([path, text]) => `${path}: ${text.trim()}`);
  return raw(title, [`cores allowed: ${state.cores}`, ...lines].join("\n"));
}

function showDevices(place, runs, devices) {
  for (const run of runs) {
    const versions = Object.entries(run.versions).map(([name, version]) => `${name} ${version}`).join(", ");
    place.append(element("h3", {}, `Run ${run.id}`));
    if (run.quick) place.append(element("p", { class: "notice" }, "Quick run: one block of short trials, good for a look and not for a claim."));
    if (run.cut) place.append(element("p", { class: "notice" }, "The last line of this run's evidence was cut; that trial does not count."));
    place.append(definitions([
      ["Started", run.started], ["Command", run.command], ["Blocks, seed", `${run.blocks}, ${run.seed}`], ["Waived", run.waived.join(" ")],
      ["pocketbench", run.pocketbench], ["Host", `${run.system}, Python ${run.python}`], ["Libraries", versions],
    ]));
    for (const device of devices.filter((one) => one.run === run.id)) {
      place.append(element("h3", {}, `Device ${device.name}`), definitions([
        ["Reached by", device.transport], ["Target", device.target], ["Clock", device.clock],
        ["Runtimes", device.runtimes.join(", ") || "none answered"], ["Agent", device.agent.join(", ")], ["Bundle", device.bundle],
      ]));
      for (const [command, text] of Object.entries(device.texts)) place.append(raw(command, text));
      place.append(...[
        Object.keys(device.job).length ? raw("Settings of the agent", Object.entries(device.job).map(([key, value]) => `${key} ${value}`).join("\n")) : null,
        stateTexts("State before the first trial", device.before), stateTexts("State after the last trial", device.after),
      ].filter(Boolean));
    }
  }
}
