"use strict";
// Everything that comes from records is set as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);

function element(tag, text, parent) {
  const made = document.createElement(tag);
  if (text !== null) made.textContent = text;
  parent.append(made);
  return made;
}

function facts(pairs, parent) {
  const list = element("dl", null, parent);
  for (const [name, value] of pairs) {
    if (value === null || value === undefined || value === "") continue;
    element("dt", name, list);
    element("dd", value, list);
  }
}

function flat(value, path = "") {
  if (value === null || typeof value !== "object") return [[path, String(value)]];
  return Object.entries(value).flatMap(([key, inner]) => flat(inner, path ? `${path}.${key}` : key));
}

const number = (value) => (value === null ? "failed" : value.toPrecision(4));

function show(point, panel) {
  panel.replaceChildren();
  element("h4", point.spoken, panel);
  facts([
    ["replicates", point.replicates.length ? point.replicates.join(", ") : "none: needs no training contexts"],
    ["sources", point.sources.join(", ")],
    ["table", point.table],
  ], panel);
  for (const metric of point.metrics) {
    if (!metric.metric) continue;
    facts([[metric.metric, `${number(metric.score)} (${metric.scores.map(number).join(", ")}), rows ${metric.rows.join(", ")}`]], panel);
  }
  for (const name of point.artefacts) {
    const made = data.artefacts[name] || { verdict: "missing", reasons: [] };
    element("h5", name, panel);
    facts([
      ["verdict", [made.verdict, ...made.reasons].join("; ")],
      ["made by", made.rule && `${made.rule}, ${made.script}`],
      ["record", made.id],
      ["commit", made.commit],
      ["start", made.start],
      ["wall time", made.wall_seconds === undefined ? null : `${made.wall_seconds} s on ${made.device}`],
      ...flat(made.seeds || {}, "seed"),
      ...flat(made.params || {}),
    ], panel);
  }
}

function trace(svg, start) {
  // all that the point was made from, and where it went
  const on = new Set([start]);
  const edges = [...svg.querySelectorAll("path")];
  const follow = (near, far) => {
    const waiting = [start];
    while (waiting.length) {
      const here = waiting.pop();
      for (const edge of edges) {
        if (edge.dataset[near] !== here) continue;
        edge.classList.add("on");
        if (!on.has(edge.dataset[far])) { on.add(edge.dataset[far]); waiting.push(edge.dataset[far]); }
      }
    }
  };
  for (const edge of edges) edge.classList.remove("on");
  follow("to", "from");
  follow("from", "to");
  for (const node of svg.querySelectorAll(".node")) node.classList.toggle("on", on.has(node.dataset.node));
}

for (const svg of document.querySelectorAll(".drawing svg")) {
  const points = [...svg.querySelectorAll(".point")];
  const panel = svg.closest(".lineage").querySelector(".details");
  const choose = (chosen) => {
    for (const point of points) point.setAttribute("aria-pressed", String(point === chosen));
    trace(svg, chosen.dataset.node);
    show(data.points[chosen.dataset.point], panel);
  };
  const focus = (index) => {
    const next = points[Math.max(0, Math.min(points.length - 1, index))];
    for (const point of points) point.setAttribute("tabindex", point === next ? "0" : "-1");
    next.focus();
  };
  points.forEach((point, index) => {
    point.addEventListener("click", () => { focus(index); choose(point); });
    point.addEventListener("keydown", (event) => {
      const steps = { ArrowDown: index + 1, ArrowRight: index + 1, ArrowUp: index - 1, ArrowLeft: index - 1, Home: 0, End: points.length - 1 };
      if (event.key === "Enter" || event.key === " ") choose(point);
      else if (event.key in steps) focus(steps[event.key]);
      else return;
      event.preventDefault();
    });
  });
}
