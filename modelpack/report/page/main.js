// The rest of the page, and its beginning.
const MOST_METRICS = 4;
const FIXED_WORDS = [
  ["runs on", "wasm: the processor, in every browser; webgpu: the graphics processor, where a browser lets pages have it"],
  ["download", "what the network carries on a first visit, compressed"],
  ["unpacked", "what it takes on the visitor's disk and in memory"],
  ["files", "how many requests that is"],
  ["inference", "the time of one answer, in half of the runs that `modelpack bench` made in a browser; first: the one after the load, which is the slowest"],
  ["memory", "the most that the browser held above what it had before the load"],
  ["limits", "whether the budgets and the accuracy of modelpack.toml hold"],
];

function showOverview() {
  for (const place of document.querySelectorAll("[data-text]")) place.textContent = data[place.dataset.text];
  document.title = `${data.project}: models`;
  document.querySelector(".summary").classList.add(data.holds ? "good" : "bad");
  $("tiles").replaceChildren(
    ...data.tiles.map(({ figure, words }) => element("div", { className: "tile" }, [element("b", { text: figure }), element("span", { text: words })])),
  );
  const metrics = Object.keys(data.metrics).filter((metric) => variants.some(({ accuracy }) => known(accuracy[metric])));
  const has = (name) => variants.some(({ measured }) => known(measured[name]));
  const time = (head, name) => (has(name) ? [{ head, number: true, of: ({ measured }) => known(measured[name]) && timeText(measured[name]) }] : []);
  fillTable(
    "variants",
    [
      { head: "variant", of: (variant) => `${variant.name}${variant.isBest ? " ★" : ""}` },
      { head: "limits", wrap: true, of: ({ verdict, holds }) => ({ text: verdict, className: verdict === "–" ? "" : holds ? "good" : "bad" }) },
      { head: "runs on", of: ({ device }) => device },
      { head: "download", number: true, of: ({ downloadBytes }) => known(downloadBytes) && sizeText(downloadBytes) },
      { head: "unpacked", number: true, of: ({ sizeBytes }) => known(sizeBytes) && sizeText(sizeBytes) },
      { head: "files", number: true, of: ({ chunks }) => chunks },
      ...metrics.slice(0, MOST_METRICS).map((metric) => ({ head: data.metrics[metric].heading, title: data.metrics[metric].meaning, number: true, of: ({ accuracyText }) => accuracyText[metric] })),
      ...time("inference", "latency_p50"),
      ...time("first", "first_inference"),
      ...(has("memory") ? [{ head: "memory", number: true, of: ({ measured }) => known(measured.memory) && sizeText(measured.memory) }] : []),
    ].map((column) => ({ ...column, of: (row) => column.of(row) || "–" })),
    variants,
  );
  const words = [...FIXED_WORDS, ...metrics.map((metric) => [data.metrics[metric].heading, data.metrics[metric].meaning])];
  $("meanings").replaceChildren(...words.map(([term, meaning]) => element("div", {}, [element("dt", { text: term }), element("dd", { text: meaning })])));
  if (data.failures) $("failures").replaceChildren(element("h3", { text: "Limits that do not hold" }), element("pre", { text: data.failures }));
}

function showBaseline() {
  const compared = variants.filter(({ before }) => before);
  if (!compared.length) {
    $("baseline-note").textContent = "There is none yet: `modelpack baseline update` writes one.";
    $("changes").hidden = true;
    return;
  }
  const isMoved = ({ downloadBytes, chunks, accuracy, before }) =>
    downloadBytes !== before.downloadBytes || chunks !== before.chunks || before.refetchBytes > 0 || accuracyMoves(accuracy, before.accuracy) !== "";
  const moving = compared.filter(isMoved);
  $("baseline-note").textContent = moving.length
    ? `${moving.length} of ${compared.length} variants are not as they were.`
    : `All ${compared.length} variants are as they were.`;
  const change = (after, before) => (before ? after / before - 1 : 0);
  const moved = (after, before, text) => (known(after) && known(before) ? `${text(before)} → ${text(after)}` : "–");
  fillTable(
    "compared",
    [
      { head: "variant", of: ({ name }) => name },
      { head: "download", number: true, of: ({ downloadBytes, before }) => moved(downloadBytes, before.downloadBytes, sizeText) },
      { head: "fetched again", number: true, of: ({ before }) => known(before.refetchBytes) && sizeText(before.refetchBytes) },
      { head: "files", number: true, of: ({ chunks, before }) => moved(chunks, before.chunks, String) },
      { head: "accuracy", long: true, of: ({ accuracy, before }) => accuracyMoves(accuracy, before.accuracy) || "as before" },
    ].map((column) => ({ ...column, of: (row) => column.of(row) || "–" })),
    moving,
  );
  const resized = moving.filter(({ downloadBytes, before }) => known(downloadBytes) && known(before.downloadBytes) && downloadBytes !== before.downloadBytes);
  $("changes").hidden = !resized.length;
  if (!resized.length) return;
  draw("changes", () => ({
    traces: [
      {
        type: "bar",
        orientation: "h",
        y: resized.map(({ name }) => safe(name)),
        x: resized.map(({ downloadBytes, before }) => change(downloadBytes, before.downloadBytes)),
        text: resized.map(({ downloadBytes, before }) => `${(change(downloadBytes, before.downloadBytes) * 100).toFixed(1)} %`),
        textposition: "auto",
        hoverinfo: "y+text",
        marker: { color: resized.map(({ downloadBytes, before }) => color(downloadBytes > before.downloadBytes ? "bad" : "good")) },
      },
    ],
    layout: {
      title: { text: "Change of the download", font: { size: 14 } },
      height: Math.max(180, 110 + resized.length * 26),
      xaxis: { tickformat: "+.0%", zeroline: true },
      yaxis: { autorange: "reversed" },
    },
  }));
}

function accuracyMoves(accuracy, before) {
  return Object.keys(accuracy)
    .filter((metric) => known(before[metric]) && before[metric] !== accuracy[metric])
    .map((metric) => `${data.metrics[metric]?.heading ?? metric} ${plainText(before[metric])} → ${plainText(accuracy[metric])}`)
    .join(", ");
}

function showHistory() {
  const { history } = data;
  if (history.length < 2) {
    $("history-note").textContent = "The history begins with the second committed baseline.";
    $("history").querySelector(".controls").hidden = true;
    $("timeline").hidden = true;
    return;
  }
  const names = [...new Set(history.flatMap(({ figures }) => Object.keys(figures)))];
  const models = [...new Set(names.map((name) => name.split("@")[0]))];
  choose("history-model", models.map((value) => ({ value })), (model) => {
    const shown = names.filter((name) => name.startsWith(`${model}@`));
    const found = new Set(history.flatMap(({ figures }) => shown.flatMap((name) => Object.keys(figures[name] ?? {}))));
    const figures = ["download", ...[...found].filter((figure) => figure !== "download")];
    choose("history-figure", figures.map((value) => ({ value, label: data.metrics[value]?.heading ?? value })), (figure) => drawTimeline(shown, figure));
  });
}

const isBytes = (figure) => figure === "download" || figure === "size" || figure === "memory";
const isTime = (figure) => /^latency|^first/.test(figure);
const scaled = (figure, value) => (known(value) ? (isBytes(figure) ? value / 1e6 : isTime(figure) ? value * 1000 : value) : null);
const unitOf = (figure) => (isBytes(figure) ? " (MB)" : isTime(figure) ? " (ms)" : "");

function drawTimeline(shown, figure) {
  const { history } = data;
  draw("timeline", () => ({
    traces: shown
      .map((name) => ({
        type: "scatter",
        mode: "lines+markers",
        name: safe(name.slice(name.indexOf("@") + 1)),
        x: history.map(({ commit }) => commit),
        y: history.map(({ figures }) => scaled(figure, figures[name]?.[figure])),
        hovertext: history.map(({ commit, date, subject }) => safe(`${commit} ${date} ${subject}`)),
        hoverinfo: "text+y+name",
      }))
      .filter(({ y }) => y.some(known)),
    layout: {
      height: 380,
      xaxis: { type: "category" },
      yaxis: { title: { text: safe((data.metrics[figure]?.heading ?? figure) + unitOf(figure)) }, rangemode: isBytes(figure) || isTime(figure) ? "tozero" : "normal" },
    },
  }));
}

$("contents").replaceChildren(
  ...[...document.querySelectorAll("section")].map((section) => element("a", { href: `#${section.id}`, text: section.querySelector("h2").textContent })),
);
$("theme").onclick = () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
for (const show of [showOverview, showChoice, showWeights, showDownload, showSpeed, showSamples, showBaseline, showHistory]) show();
document.documentElement.dataset.ready = "";
