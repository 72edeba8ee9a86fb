// The samples on which a variant does worst.
const MOST_SHOWN = 10;

function showSamples() {
  const has = ({ samples }) => samples.figures.length > 0;
  if (!variants.some(has)) {
    $("samples").hidden = true;
    return;
  }
  choose("samples-variant", optionsOf(has), (name) => {
    const { samples } = named.get(name);
    choose("samples-metric", samples.metrics.map((value) => ({ value, label: data.metrics[value]?.heading ?? value })), (metric) => {
      const column = samples.metrics.indexOf(metric);
      const less = data.metrics[metric]?.less ?? false;
      const ordered = [...samples.figures].sort((one, other) => (less ? other.values[column] - one.values[column] : one.values[column] - other.values[column]));
      const worst = ordered.slice(0, MOST_SHOWN);
      const pictures = data.pictures[named.get(name).model] ?? {};
      const has = { picture: worst.some(({ position }) => pictures[position]), words: worst.some(({ name: file, text }) => file || text) };
      fillTable(
        "worst",
        [
          { head: "sample", number: true, of: ({ position }) => position },
          ...(has.picture ? [{ head: "", of: ({ position }) => ({ picture: pictures[position] }) }] : []),
          ...(has.words ? [{ head: "", long: true, of: ({ name: file, text }) => text || file }] : []),
          { head: data.metrics[metric]?.heading ?? metric, number: true, of: ({ values }) => plainText(values[column]) },
        ],
        worst,
      );
      $("samples-note").textContent = data.metrics[metric] ? `${data.metrics[metric].heading}: ${data.metrics[metric].meaning}.` : "";
      draw("spread", () => ({
        traces: [
          {
            type: "scatter",
            mode: "markers",
            x: ordered.map((_, index) => index + 1),
            y: ordered.map(({ values }) => values[column]),
            marker: { size: 5, color: PALETTE[0] },
            hovertext: ordered.map(({ position, name: file, text }) => safe(`sample ${position} ${text || file}`)),
            hoverinfo: "text+y",
          },
        ],
        layout: {
          title: { text: `All ${ordered.length} judged samples, worst first`, font: { size: 14 } },
          height: 360,
          xaxis: { title: { text: "samples" } },
          yaxis: { title: { text: safe(data.metrics[metric]?.heading ?? metric) } },
        },
      }));
    });
  });
}
