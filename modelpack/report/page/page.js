// What the whole page shares: the data, elements, tables, choices and charts. Names come from models that nobody vetted:
// they reach the page as text only, and Plotly (which reads some HTML) escaped.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const known = (value) => value !== null && value !== undefined;
const safe = (text) => `${text}`.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

const UNITS = [
  [1e9, "GB"],
  [1e6, "MB"],
  [1e3, "kB"],
];
const digits = (number) => number.toFixed(number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2);
const sizeText = (bytes) => {
  const [factor, unit] = UNITS.find(([least]) => Math.abs(bytes) >= least) ?? [1, "B"];
  return factor === 1 ? `${bytes} B` : `${digits(bytes / factor)} ${unit}`;
};
const timeText = (seconds) => (seconds >= 1 ? `${digits(seconds)} s` : `${digits(seconds * 1000)} ms`);
const shareText = (share) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
/** Five digits; more where they would read 1 and it is not. */
const plainText = (figure) => {
  let digits = 5;
  while (figure !== 1 && digits < 15 && Number(figure.toPrecision(digits)) === 1) digits++;
  return `${Number(figure.toPrecision(digits))}`;
};

function element(tag, { text, className, ...rest } = {}, children = []) {
  const made = document.createElement(tag);
  if (known(text)) made.textContent = text;
  if (className) made.className = className;
  for (const [name, value] of Object.entries(rest)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Columns are `{ head, title, number, long, wrap, of(row) → text or { text, className, picture } }`. */
function fillTable(id, columns, rows) {
  const kind = ({ number, long, wrap }) => [number && "number", long && "long", wrap && "wrap"].filter(Boolean).join(" ");
  const cell = (column, row) => {
    const found = column.of(row);
    const { text, className = "", picture } = typeof found === "object" && found ? found : { text: found };
    if (picture) return element("td", {}, [element("img", { src: picture, alt: "", className: "thumbnail" })]);
    return element("td", { text: known(text) ? text : "–", className: `${kind(column)} ${className}`.trim() });
  };
  const head = element("tr", {}, columns.map((column) => element("th", { text: column.head, className: kind(column), title: column.title ?? "" })));
  const body = rows.map((row) => element("tr", {}, columns.map((column) => cell(column, row))));
  $(id).replaceChildren(...(rows.length ? [element("thead", {}, [head]), element("tbody", {}, body)] : []));
}

/** Fills a choice and calls `changed` with what is chosen, now and whenever it changes. */
function choose(id, options, changed) {
  const chosen = $(id).value;
  $(id).replaceChildren(...options.map(({ value, label }) => element("option", { value, text: label ?? value })));
  if (options.some(({ value }) => value === chosen)) $(id).value = chosen;
  $(id).parentElement.hidden = options.length < 2;
  $(id).onchange = () => changed($(id).value);
  if (options.length) changed($(id).value);
}

const drawings = new Map(); // chart → how to draw it again in other colours
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const PALETTE = ["#3b76d6", "#d9722e", "#2f9e6b", "#a457c2", "#c9447a", "#6f7f95", "#b0922a", "#3aa3b8"];

// A chart is drawn when somebody is about to see it: all of them at once, the cube above all, would hold the page up.
const seen = new Set();
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting || seen.has(target.id)) continue;
      seen.add(target.id);
      watcher.unobserve(target);
      render(target.id);
    }
  },
  { rootMargin: "300px" },
);

/** Draws a chart when it is seen, and again when it or the theme changes. `make` gives `{ traces, layout }`, or nothing. */
function draw(id, make) {
  drawings.set(id, make);
  $(id).hidden = false;
  if (seen.has(id)) render(id);
  else watcher.observe($(id));
}

function render(id) {
  const chart = drawings.get(id)();
  $(id).hidden = !chart;
  if (!chart) {
    Plotly.purge(id);
    return;
  }
  const axis = { gridcolor: color("line"), zerolinecolor: color("line"), linecolor: color("line"), automargin: true };
  const { scene, ...rest } = chart.layout;
  const layout = {
    autosize: true,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: color("ink"), family: "system-ui, sans-serif", size: 12 },
    margin: { t: 40, r: 20, b: 50, l: 60 },
    hoverlabel: { align: "left" },
    colorway: PALETTE,
    legend: { orientation: "h", y: -0.22 },
    ...rest,
    xaxis: { ...axis, ...rest.xaxis },
    yaxis: { ...axis, ...rest.yaxis },
  };
  if (scene) {
    const third = { gridcolor: color("line"), zerolinecolor: color("line"), color: color("ink"), backgroundcolor: "rgba(0,0,0,0)" };
    layout.scene = { ...scene };
    for (const name of ["xaxis", "yaxis", "zaxis"]) layout.scene[name] = { ...third, ...scene[name] };
  }
  Plotly.react(id, chart.traces, layout, { responsive: true, displaylogo: false, displayModeBar: "hover" });
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  for (const id of seen) if (drawings.has(id)) render(id);
}

const variants = data.variants;
for (const one of variants) one.runs = one.runs.map(({ machine, run }) => ({ ...run, machine }));
const named = new Map(variants.map((variant) => [variant.name, variant]));
const optionsOf = (has) => variants.filter(has).map(({ name }) => ({ value: name }));
