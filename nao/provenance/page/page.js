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

function describe(point, place) {
  place.replaceChildren();
  const heading = element("h2", point.spoken, place);
  heading.tabIndex = -1;
  facts(point.facts, place);
  for (const source of point.sources) {
    if (!document.getElementById(`run-${source}`)) continue;
    element("a", `Training of ${source}`, element("p", null, place)).href = `#run-${source}`;
  }
  for (const [name, open] of point.artefacts) {
    const made = data.artefacts[name] || { verdict: "missing", reasons: [] };
    const part = element("details", null, place);
    part.open = open;
    element("summary", `${name}: ${made.verdict}`, part);
    facts([
      ["made by", made.rule && `${made.rule}, ${made.script}`],
      ["record", made.id],
      ["commit", made.commit],
      ["start", made.start],
      ["wall time", made.wall_seconds === undefined ? null : `${made.wall_seconds} s on ${made.device}`],
      ...flat(made.seeds || {}, "seed"),
      ...flat(made.params || {}),
      ["why it is so judged", made.reasons.join("; ")],
    ], part);
  }
  return heading;
}

// The chosen point: shown in the panel, which takes the focus and gives it back.

const panel = document.getElementById("panel");
let chosenFrom = null;

function choose(id, from) {
  for (const other of document.querySelectorAll(".point[aria-pressed=true]")) other.setAttribute("aria-pressed", "false");
  const point = document.querySelector(`.point[data-point="${id}"]`);
  point.setAttribute("aria-pressed", "true");
  panel.classList.add("chosen");
  document.getElementById("none").hidden = true;
  const heading = describe(data.points[id], document.getElementById("chosen"));
  panel.scrollTop = 0;
  chosenFrom = from;
  heading.focus({ preventScroll: true });
  uncover(from);
}

// A panel at the bottom of a small screen must not hide what was chosen.
function uncover(chosen) {
  const [place, cover] = [chosen.getBoundingClientRect(), panel.getBoundingClientRect()];
  const beside = place.right < cover.left || place.left > cover.right;
  if (!beside && place.bottom > cover.top) window.scrollBy(0, place.bottom - cover.top + 24);
}

function dismiss() {
  if (!chosenFrom) return;
  for (const point of document.querySelectorAll(".point[aria-pressed=true]")) point.setAttribute("aria-pressed", "false");
  panel.classList.remove("chosen");
  document.getElementById("none").hidden = false;
  document.getElementById("chosen").replaceChildren();
  chosenFrom.focus();
  chosenFrom = null;
}

if (panel) {
  document.getElementById("close").addEventListener("click", dismiss);
  panel.addEventListener("keydown", (event) => { if (event.key === "Escape") dismiss(); });
  for (const button of document.querySelectorAll("button[data-point]")) {
    button.addEventListener("click", () => choose(button.dataset.point, button));
  }
}

// How far a place on the screen is from a point; nothing inside it is.
function distance(point, x, y) {
  const box = point.getBoundingClientRect();
  const inside = point.tagName === "rect";
  const [left, right] = inside ? [box.left, box.right] : [(box.left + box.right) / 2, (box.left + box.right) / 2];
  const [top, bottom] = inside ? [box.top, box.bottom] : [(box.top + box.bottom) / 2, (box.top + box.bottom) / 2];
  return Math.hypot(Math.max(left - x, 0, x - right), Math.max(top - y, 0, y - bottom));
}

const REACH = 24; // pixels of the screen from a click to the point that it means

for (const drawing of document.querySelectorAll(".plot svg")) {
  const points = [...drawing.querySelectorAll(".point")];
  const focus = (point) => {
    for (const each of points) each.setAttribute("tabindex", each === point ? "0" : "-1");
    point.focus();
  };
  drawing.addEventListener("click", (event) => {
    const away = points.map((point) => distance(point, event.clientX, event.clientY));
    const nearest = away.indexOf(Math.min(...away));
    if (away[nearest] > REACH) return;
    focus(points[nearest]);
    choose(points[nearest].dataset.point, points[nearest]);
  });
  const beside = (index, step) => points[Math.max(0, Math.min(points.length - 1, index + step))];
  // the point of the next curve that stands nearest in its panel's width
  const across = (index, step) => {
    let other = index;
    while (points[other] && points[other].dataset.curve === points[index].dataset.curve) other += step;
    if (!points[other]) return points[index];
    const from = points[index].getBoundingClientRect();
    const curve = points.filter((point) => point.dataset.curve === points[other].dataset.curve);
    const gap = (point) => Math.abs(point.getBoundingClientRect().left - from.left);
    return curve.reduce((best, point) => (gap(point) < gap(best) ? point : best));
  };
  points.forEach((point, index) => {
    point.addEventListener("keydown", (event) => {
      const moves = {
        ArrowRight: () => beside(index, 1), ArrowLeft: () => beside(index, -1),
        ArrowDown: () => across(index, 1), ArrowUp: () => across(index, -1),
        Home: () => points[0], End: () => points[points.length - 1],
      };
      if (event.key === "Enter" || event.key === " ") choose(point.dataset.point, point);
      else if (event.key in moves) focus(moves[event.key]());
      else return;
      event.preventDefault();
    });
  });
}

// Filters: what is left is counted aloud, and nothing else.

for (const filter of document.querySelectorAll("[data-filters]")) {
  const list = document.getElementById(filter.dataset.filters);
  const entries = [...list.querySelectorAll("[data-kind]")];
  const boxes = [...filter.querySelectorAll("input")];
  const apply = () => {
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    for (const entry of entries) entry.hidden = !wanted.has(entry.dataset.kind);
    for (const group of list.querySelectorAll("[data-group]")) {
      group.hidden = !group.querySelector("[data-kind]:not([hidden])");
    }
    return entries.filter((entry) => !entry.hidden).length;
  };
  const say = () => { filter.querySelector("[role=status]").textContent = `${apply()} of ${entries.length} shown`; };
  filter.addEventListener("change", say);
  apply();
}
