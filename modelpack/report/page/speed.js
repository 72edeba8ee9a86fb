// What takes the time, thread counts, measured runs, and copies.
const isSlowed = ({ slowdown = 1 }) => slowdown > 1;
// Its results count, its times say nothing.
const isEmulated = ({ adapter = "" }) => /swiftshader/i.test(adapter);
const settingOf = (run) =>
  [
    `${run.engine} ${run.device}`,
    `${run.threads} thread${run.threads === 1 ? "" : "s"}`,
    isSlowed(run) ? `${run.slowdown} × slower` : "",
    isEmulated(run) ? "emulated GPU" : "",
  ]
    .filter(Boolean)
    .join(", ");

function showSpeed() {
  const has = ({ runs }) => runs.length > 0;
  if (!variants.some(has)) {
    $("speed-note").textContent = "Nothing is measured yet: run `modelpack bench`, then the report again.";
    for (const place of $("speed").querySelectorAll(".controls, .grid, h3, h3 + p")) place.hidden = true;
    return;
  }
  choose("speed-variant", optionsOf(has), (name) => {
    const { runs } = named.get(name);
    const profile = runs.find(({ operators }) => operators?.length);
    const measured = profile ? `Measured on ${data.machines[profile.machine]}.` : "";
    const { threads } = named.get(name);
    $("speed-note").textContent = [measured, threads && `Threads to use in a browser: ${threads}.`].filter(Boolean).join(" ");
    drawOperators(profile);
    drawThreads(runs);
    fillTable(
      "runs",
      [
        { head: "run", of: settingOf },
        { head: "load", number: true, of: ({ loadS }) => timeText(loadS) },
        { head: "first inference", number: true, of: ({ firstS }) => timeText(firstS) },
        { head: "half within", number: true, of: ({ p50S }) => timeText(p50S) },
        { head: "95 % within", number: true, of: ({ p95S }) => timeText(p95S) },
        { head: "99 % within", number: true, of: ({ p99S }) => timeText(p99S) },
        { head: "peak memory", number: true, of: ({ memoryBytes }) => known(memoryBytes) && sizeText(memoryBytes) },
        { head: "accuracy there", long: true, of: ({ accuracy }) => accuracy?.metrics.map(({ metric, value }) => `${data.metrics[metric]?.heading ?? metric} ${plainText(value)}`).join(", ") },
        { head: "with", of: ({ runtime, version, engine }) => (engine === "native" ? runtime : `${runtime}, ${version}`) },
        { head: "machine", of: ({ machine }) => data.machines[machine] },
      ].map((column) => ({ ...column, of: (run) => column.of(run) || "–" })),
      runs,
    );
    const copied = runs.find(({ copies }) => copies?.length)?.copies ?? [];
    fillTable(
      "copies",
      [
        { head: "tensor", of: ({ name: tensor }) => tensor },
        { head: "is", of: ({ role }) => role },
        { head: "bytes", number: true, of: ({ sizeBytes }) => sizeText(sizeBytes) },
        { head: "copied in each inference", of: ({ copies }) => copies.join(", ") },
        { head: "could be moved instead", of: ({ transferable }) => (transferable ? "from the page to the worker: run(feeds, { transfer: true })" : "no") },
      ],
      copied,
    );
  });
}

function drawOperators(profile) {
  draw("operators", () => {
    if (!profile) return undefined;
    const shown = profile.operators.slice(0, 12);
    const bar = (title, values, texts, fill, xaxis) => ({
      type: "bar",
      orientation: "h",
      name: title,
      y: shown.map(({ operator }) => safe(operator)),
      x: values,
      text: texts,
      hovertemplate: `%{y}: %{text} ${title}<extra></extra>`,
      textposition: "auto",
      marker: { color: fill },
      xaxis,
    });
    const slowest = (profile.nodes ?? []).slice(0, 1).map(({ node, share }) => `${safe(node.slice(-40))} ${shareText(share)}`);
    return {
      traces: [
        bar("of the time", shown.map(({ share }) => share), shown.map(({ share }) => shareText(share)), PALETTE[0]),
        bar("of weights", shown.map(({ weightBytes }) => weightBytes), shown.map(({ weightBytes }) => sizeText(weightBytes)), PALETTE[2], "x2"),
      ],
      layout: {
        title: { text: `Time and weights by operator${slowest.length ? `<br><sub>slowest node: ${slowest[0]}</sub>` : ""}`, font: { size: 14 } },
        height: 380,
        margin: { t: 60, r: 20, b: 50, l: 60 },
        barmode: "group",
        xaxis: { domain: [0, 0.6], tickformat: ".0%" },
        xaxis2: { domain: [0.66, 1], showticklabels: false, gridcolor: "rgba(0,0,0,0)" },
        yaxis: { autorange: "reversed" },
        showlegend: true,
        legend: { orientation: "h", y: -0.12 },
      },
    };
  });
}

function drawThreads(runs) {
  draw("threads", () => {
    const swept = runs.filter((run) => !isSlowed(run) && !isEmulated(run));
    if (!swept.length) return undefined;
    const engines = [...new Set(swept.map(({ engine, device }) => `${engine} ${device}`))];
    const traces = engines.map((engine) => {
      const own = swept.filter((run) => `${run.engine} ${run.device}` === engine).sort((one, other) => one.threads - other.threads);
      return {
        type: "bar",
        name: safe(engine),
        x: own.map(({ threads }) => `${threads}`),
        y: own.map(({ p50S }) => p50S * 1000),
        text: own.map(({ p50S }) => timeText(p50S)),
        textposition: "auto",
        hoverinfo: "text",
        hovertext: own.map((run) => `${safe(settingOf(run))}<br>half within ${timeText(run.p50S)}, 95 % within ${timeText(run.p95S)}`),
      };
    });
    return {
      traces,
      layout: {
        title: { text: "Time of half of the inferences by threads", font: { size: 14 } },
        height: 380,
        barmode: "group",
        xaxis: { title: { text: "threads" }, type: "category" },
        yaxis: { title: { text: "ms" }, rangemode: "tozero" },
        legend: { orientation: "h", y: -0.25 },
      },
    };
  });
}
