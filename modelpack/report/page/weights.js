// The weights of a variant as a treemap, and its download as a waterfall.
const partsOf = ([name, , , consumer, operator]) => {
  const path = (consumer.includes("/") ? consumer.split("/") : name.split(/[./]/)).filter(Boolean);
  // Exporters and simplifiers drop some names: what is left says nothing of where a weight belongs.
  return path.length > 1 ? path : ["no part is named", operator || "unknown", name];
};
const GROUPINGS = {
  module: (tensor) => partsOf(tensor).slice(0, -1),
  operator: ([, , , consumer, operator]) => [operator || "unknown", ...(consumer ? [consumer] : [])],
  dtype: (tensor) => [tensor[1], ...partsOf(tensor).slice(0, 2)],
};

function treeOf(tensors, grouping) {
  const nodes = new Map([["", { label: "all weights", parent: null, bytes: 0 }]]);
  for (const tensor of tensors) {
    const [name, dtype, bytes] = tensor;
    const path = [...GROUPINGS[grouping](tensor), `${name} (${dtype})`];
    nodes.get("").bytes += bytes;
    let parent = "";
    for (const label of path) {
      const id = `${parent}\u0001${label}`;
      if (!nodes.has(id)) nodes.set(id, { label, parent, bytes: 0 });
      nodes.get(id).bytes += bytes;
      parent = id;
    }
  }
  return nodes;
}

function showWeights() {
  const has = ({ tensors }) => tensors.length > 0;
  if (!variants.some(has)) {
    $("treemap").classList.remove("chart", "tall");
    $("treemap").replaceChildren(element("p", { className: "note", text: "The cache no longer has the steps of this build: run `modelpack build`, then the report again." }));
    $("weights").querySelector(".controls").hidden = true;
    return;
  }
  choose("weights-variant", optionsOf(has), (name) => {
    const show = () =>
      draw("treemap", () => {
        const nodes = treeOf(named.get(name).tensors, $("weights-by").value);
        const entries = [...nodes];
        return {
          traces: [
            {
              type: "treemap",
              branchvalues: "total",
              ids: entries.map(([id]) => safe(id) || "all"),
              labels: entries.map(([, { label }]) => safe(label)),
              parents: entries.map(([, { parent }]) => (parent === null ? "" : safe(parent) || "all")),
              values: entries.map(([, { bytes }]) => bytes),
              text: entries.map(([, { bytes }]) => sizeText(bytes)),
              texttemplate: "%{label}<br>%{text}<br>%{percentRoot:.1%}",
              hovertemplate: "%{label}<br>%{text}, %{percentRoot:.1%} of all<extra></extra>",
              maxdepth: 4,
              tiling: { pad: 2 },
              marker: { line: { width: 1, color: color("card") }, cornerradius: 3 },
              root: { color: "rgba(0,0,0,0)" },
            },
          ],
          layout: { height: 520, margin: { t: 10, r: 0, b: 0, l: 0 }, treemapcolorway: PALETTE },
        };
      });
    $("weights-by").onchange = show;
    show();
  });
}

function showDownload() {
  const has = ({ downloads }) => downloads.length > 0;
  choose("download-variant", optionsOf(has), (name) => {
    const { downloads } = named.get(name);
    choose("network", downloads.map(({ network, title }) => ({ value: network, label: title })), (network) => {
      const { seconds, steps, limit } = downloads.find((one) => one.network === network);
      const most = Math.max(...steps.map(({ ends }) => ends));
      const said = known(limit) ? `; the limit is ${timeText(limit)}` : "";
      $("download-note").textContent = `Ready to start after ${timeText(seconds)}${said}. onnxruntime-web's own WebAssembly (2.7 to 4.6 MB compressed) comes beside it.`;
      draw("waterfall", () => {
        const bar = (label, length, fill, opacity = 1) => ({
          type: "bar",
          orientation: "h",
          name: label,
          y: steps.map((_, index) => index),
          x: steps.map(length),
          marker: { color: fill, opacity },
          hovertext: steps.map((step) => `${safe(step.label)}<br>${step.bytes ? `${sizeText(step.bytes)}<br>` : ""}asked for at ${timeText(step.starts)}, there at ${timeText(step.ends)}`),
          hoverinfo: "text",
        });
        return {
          traces: [
            { ...bar("", ({ starts }) => starts, "rgba(0,0,0,0)"), hoverinfo: "skip", showlegend: false },
            bar("waiting", ({ starts, begins }) => begins - starts, color("soft"), 0.45),
            bar("arriving", ({ begins, ends }) => ends - begins, PALETTE[0]),
          ],
          layout: {
            barmode: "stack",
            height: Math.max(300, Math.min(900, 110 + steps.length * 22)),
            shapes: known(limit) ? [{ type: "line", x0: limit, x1: limit, yref: "paper", y0: 0, y1: 1, line: { color: color("bad"), dash: "dash", width: 1.5 } }] : [],
            xaxis: { title: { text: "seconds" }, range: [0, Math.max(most, limit ?? 0) * 1.05] },
            yaxis: { autorange: "reversed", tickvals: steps.map((_, index) => index), ticktext: steps.map(({ label }) => safe(label)), tickfont: { size: 10 } },
            legend: { orientation: "h", y: 1.12 },
            margin: { t: 40, r: 20, b: 50, l: 110 },
          },
        };
      });
    });
  });
}
