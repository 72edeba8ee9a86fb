// Size, latency and accuracy of the variants of one group: three flat views, the cube, Pareto fronts and limits.
const SIZE = {
  title: "download (MB)",
  of: (variant) => (known(variant.downloadBytes) ? variant.downloadBytes / 1e6 : null),
  limits: ["download"],
  scale: (limit) => limit / 1e6,
  less: true,
};
// Native times and those of a browser are not on one scale: where a browser measured any of the group, only those count.
let isNative = false;
const latency = (variant) => (isNative ? variant.nativeS : variant.measured.latency_p50) ?? null;
const LATENCY = {
  title: "time of an inference (ms)",
  of: (variant) => (known(latency(variant)) ? latency(variant) * 1000 : null),
  limits: ["latency_p50"],
  scale: (limit) => limit * 1000,
  less: true,
};
const accuracyAxis = (metric) => ({
  title: data.metrics[metric].heading,
  of: (variant) => variant.accuracy[metric] ?? null,
  limits: [metric],
  scale: (limit) => limit,
  less: data.metrics[metric].less,
});

const beats = (one, other, axes) =>
  axes.every((axis) => (axis.less ? axis.of(one) <= axis.of(other) : axis.of(one) >= axis.of(other))) &&
  axes.some((axis) => axis.of(one) !== axis.of(other));
const isPlaced = (variant, axes) => axes.every((axis) => known(axis.of(variant)));
const frontOf = (found, axes) => found.filter((one) => !found.some((other) => beats(other, one, axes)));

/** The limits of an axis, each once. */
const limitsOf = (found, axis) => [
  ...new Set(
    found.flatMap(({ limits }) =>
      limits.filter(({ quantity }) => axis.limits.includes(quantity)).map(({ limit }) => axis.scale(limit)),
    ),
  ),
];

const hoverOf = (variant, axes) =>
  `<b>${safe(variant.name)}</b><br>${axes.map((axis) => `${safe(axis.title)}: ${plainText(axis.of(variant))}`).join("<br>")}`;

const range = (values) => {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low || Math.abs(high) || 1) * 0.12;
  return [low - room, high + room];
};

/** The names to write beside points: points that lie together share one, at the first of them. */
function labelsOf(found, [x, y], [xRange, yRange], width) {
  const near = (axis, [low, high], share) => (one, other) => Math.abs(axis.of(one) - axis.of(other)) < share * (high - low);
  const [isBeside, isLevel] = [near(x, xRange, 110 / width), near(y, yRange, 0.06)];
  const labels = new Map();
  for (const variant of found) {
    const first = [...labels.keys()].find((other) => isBeside(variant, other) && isLevel(variant, other));
    if (first) labels.get(first).push(variant.variant);
    else labels.set(variant, [variant.variant]);
  }
  return (variant) => safe([...new Set(labels.get(variant) ?? [])].join(", "));
}

function flatView(id, found, [x, y], title) {
  draw(id, () => {
    const placed = found.filter((variant) => isPlaced(variant, [x, y]));
    if (!placed.length) return undefined;
    const front = frontOf(placed, [x, y]).sort((one, other) => x.of(one) - x.of(other));
    const models = [...new Set(placed.map(({ model }) => model))];
    const xs = limitsOf(placed, x);
    const ys = limitsOf(placed, y);
    const ranges = [range([...placed.map(x.of), ...xs]), range([...placed.map(y.of), ...ys])];
    const label = labelsOf(placed, [x, y], ranges, $(id).clientWidth || 600);
    const points = models.map((model, index) => {
      const own = placed.filter((variant) => variant.model === model);
      return {
        type: "scatter",
        mode: "markers+text",
        name: safe(model),
        x: own.map(x.of),
        y: own.map(y.of),
        text: own.map(label),
        textposition: own.map((variant) => (x.of(variant) > (ranges[0][0] + ranges[0][1]) / 2 ? "top left" : "top right")),
        hovertext: own.map((variant) => hoverOf(variant, [x, y])),
        hoverinfo: "text",
        cliponaxis: false,
        marker: { size: 11, color: PALETTE[index % PALETTE.length], symbol: own.map((variant) => (front.includes(variant) ? "diamond" : "circle")) },
      };
    });
    const line = {
      type: "scatter",
      mode: "lines",
      name: "Pareto front",
      x: front.map(x.of),
      y: front.map(y.of),
      line: { color: color("soft"), width: 1.5 },
      hoverinfo: "skip",
    };
    const dashed = { color: color("bad"), width: 1.5, dash: "dash" };
    const shapes = [
      ...xs.map((at) => ({ type: "line", x0: at, x1: at, yref: "paper", y0: 0, y1: 1, line: dashed })),
      ...ys.map((at) => ({ type: "line", y0: at, y1: at, xref: "paper", x0: 0, x1: 1, line: dashed })),
    ];
    return {
      traces: [line, ...points],
      layout: {
        title: { text: title, font: { size: 14 } },
        height: 360,
        shapes,
        showlegend: models.length > 1,
        xaxis: { title: { text: safe(x.title) }, range: ranges[0] },
        yaxis: { title: { text: safe(y.title) }, range: ranges[1] },
      },
    };
  });
}

function plane(axes, ranges, position, at) {
  const corners = [0, 1, 3, 2].map((corner) => [corner & 1, corner >> 1]);
  const [first, second] = [0, 1, 2].filter((axis) => axis !== position);
  const points = corners.map(([u, v]) => {
    const point = [0, 0, 0];
    point[position] = at;
    point[first] = ranges[first][u];
    point[second] = ranges[second][v];
    return point;
  });
  return {
    type: "mesh3d",
    x: points.map(([value]) => value),
    y: points.map(([, value]) => value),
    z: points.map(([, , value]) => value),
    i: [0, 0],
    j: [1, 2],
    k: [2, 3],
    opacity: 0.18,
    color: color("bad"),
    hoverinfo: "text",
    hovertext: `limit: ${safe(axes[position].title)} ${plainText(at)}`,
  };
}

function cube(id, found, axes) {
  draw(id, () => {
    const placed = found.filter((variant) => isPlaced(variant, axes));
    if (placed.length < 2) return undefined;
    const limits = axes.map((axis) => limitsOf(placed, axis));
    const ranges = axes.map((axis, index) => range([...placed.map(axis.of), ...limits[index]]));
    const front = frontOf(placed, axes);
    const models = [...new Set(placed.map(({ model }) => model))];
    const traces = models.map((model, index) => {
      const own = placed.filter((variant) => variant.model === model);
      return {
        type: "scatter3d",
        mode: "markers+text",
        name: safe(model),
        x: own.map(axes[0].of),
        y: own.map(axes[1].of),
        z: own.map(axes[2].of),
        text: own.map(({ variant }) => safe(variant)),
        hovertext: own.map((variant) => hoverOf(variant, axes)),
        hoverinfo: "text",
        marker: { size: 6, color: PALETTE[index % PALETTE.length], symbol: own.map((one) => (front.includes(one) ? "diamond" : "circle")) },
      };
    });
    const planes = limits.flatMap((values, position) => values.map((at) => plane(axes, ranges, position, at)));
    const [xaxis, yaxis, zaxis] = axes.map((axis, index) => ({ title: { text: safe(axis.title) }, range: ranges[index] }));
    return {
      traces: [...traces, ...planes],
      layout: {
        title: { text: "All three; drag to turn", font: { size: 14 } },
        height: 420,
        margin: { t: 40, r: 0, b: 0, l: 0 },
        showlegend: models.length > 1,
        scene: { xaxis, yaxis, zaxis, camera: { eye: { x: 2, y: 2, z: 0.9 } } },
      },
    };
  });
}

function showChoice() {
  const groups = [...new Set(variants.map(({ group }) => group))];
  choose("group", groups.map((value) => ({ value, label: data.groups[value] })), (group) => {
    const found = variants.filter((variant) => variant.group === group);
    const metrics = Object.keys(data.metrics).filter((metric) => found.some(({ accuracy }) => known(accuracy[metric])));
    $("views").replaceChildren(...["size-accuracy", "latency-accuracy", "size-latency", "cube"].map((id) => element("div", { id, className: "chart" })));
    for (const id of ["size-accuracy", "latency-accuracy", "size-latency", "cube"]) {
      drawings.delete(id);
      seen.delete(id);
    }
    const views = (metric) => {
      const accuracy = metric && accuracyAxis(metric);
      if (accuracy) flatView("size-accuracy", found, [SIZE, accuracy], "Size and accuracy");
      if (accuracy) flatView("latency-accuracy", found, [LATENCY, accuracy], "Latency and accuracy");
      flatView("size-latency", found, [SIZE, LATENCY], "Size and latency");
      if (accuracy) cube("cube", found, [SIZE, LATENCY, accuracy]);
    };
    const inBrowser = found.filter(({ measured }) => known(measured.latency_p50)).length;
    const natively = found.filter(({ nativeS }) => known(nativeS)).length;
    isNative = !inBrowser;
    const notes = [];
    if (!metrics.length) notes.push("No accuracy: the model has no golden set.");
    if (!inBrowser && !natively) notes.push("No latency: `modelpack bench` measures it.");
    if (isNative && natively) notes.push("The latency is native: no browser has measured these variants.");
    else if (inBrowser && inBrowser < found.length) notes.push(`Latency: ${inBrowser} of ${found.length} variants were measured in a browser.`);
    $("choice-note").textContent = notes.join(" ");
    if (metrics.length) choose("metric", metrics.map((value) => ({ value, label: data.metrics[value].heading })), views);
    else {
      choose("metric", [], views);
      views(undefined);
    }
  });
}
