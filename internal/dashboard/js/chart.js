// A chart of stacked areas over the last minutes, and the table beside it, which is its legend and
// its alternative as text.

import { el, show, svg, swatch } from "./dom.js";
import { span } from "./format.js";

const height = 220;
const shortest = 60; // seconds, that the chart shows at least
const longest = 300;
const above = 10; // px
const below = 24;

// series are {name, label, line}: those with line aren't stacked, but drawn over the areas. format
// is for values, whose axis ends at a round number to that base.
export class StackedChart {
  #root;
  #series;
  #format;
  #base;
  #points = [];
  #hovered = null; // seconds before now
  #rows = new Map();
  #svg;
  #now;

  constructor(root, { title, series, format, base }) {
    this.#root = root;
    this.#series = series;
    this.#format = format;
    this.#base = base;
    this.#svg = svg("svg", {
      class: "chart",
      role: "img",
      height,
      "aria-label": title + ", over the last minutes. The table that follows has the same values.",
    });
    this.#now = el("th", { scope: "col", className: "n" }, "Now");
    root.append(el("div", { className: "plot-area" }, this.#svg), this.#legend(title));
    new ResizeObserver(() => this.draw()).observe(this.#svg.parentElement);
    this.#svg.addEventListener("pointermove", (e) => this.#hover(e));
    this.#svg.addEventListener("pointerleave", () => this.#leave());
  }

  #legend(title) {
    const rows = this.#series.map((s) => {
      const now = el("td", { className: "n" }, "–");
      const total = el("td", { className: "n" }, "–");
      this.#rows.set(s.name, { now, total });
      return el("tr", {}, el("th", { scope: "row" }, swatch(s.name), s.label), now, total);
    });
    return el(
      "table",
      { className: "legend" },
      el("caption", { className: "unseen" }, title),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "col" }, el("span", { className: "unseen" }, "What")),
          this.#now,
          el("th", { scope: "col", className: "n" }, "In all"),
        ),
      ),
      el("tbody", {}, ...rows),
    );
  }

  // update takes points, and the texts of what there has been in all. A point has a time, in
  // seconds before now, and a value for each of the series, or null where nothing is known.
  update(points, totals) {
    this.#points = points;
    totals.forEach((text, i) => show(this.#rows.get(this.#series[i].name).total, text));
    this.draw();
  }

  draw() {
    const width = this.#svg.parentElement.clientWidth;
    if (width === 0) {
      return;
    }
    const seconds = Math.min(longest, Math.max(shortest, -(this.#points[0]?.at ?? 0)));
    const top = this.#ceiling();
    const x = (at) => width * (1 + at / seconds);
    const y = (value) => above + (height - above - below) * (1 - value / top);
    this.#svg.setAttribute("width", width);
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const areas = this.#areas(x, y);
    this.#svg.replaceChildren(
      ...areas,
      ...this.#grid(width, top, y),
      ...this.#times(width, seconds, x),
      ...this.#marker(x),
      ...(areas.length === 0 ? [this.#nothing(width, y(top / 4))] : []),
    );
    this.#values();
  }

  // ceiling is a round number that no point is above.
  #ceiling() {
    const tops = this.#points.filter((p) => p.values).map((p) => this.#stack(p.values).at(-1));
    const most = Math.max(...tops, this.#base === 10 ? 0.9 : 900);
    const unit = this.#base ** Math.max(0, Math.floor(Math.log(most) / Math.log(this.#base)));
    const steps =
      this.#base === 10
        ? [1, 1.5, 2, 3, 4, 5, 6, 8, 10]
        : [1, 2, 4, 8, 16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024];
    return unit * (steps.find((s) => s * unit >= most * 1.02) ?? this.#base * 2);
  }

  #stacked() {
    return this.#series.filter((s) => !s.line);
  }

  // stack is the upper edges of the areas, from below.
  #stack(values) {
    let edge = 0;
    return this.#stacked().map((s) => (edge += values[this.#series.indexOf(s)]));
  }

  // runs are the points without gaps.
  #runs() {
    const runs = [[]];
    for (const p of this.#points) {
      if (p.values) {
        runs.at(-1).push({ ...p, edges: this.#stack(p.values) });
      } else {
        runs.push([]);
      }
    }
    return runs.filter((run) => run.length > 1);
  }

  #areas(x, y) {
    const drawn = [];
    const point = (at, value) => x(at).toFixed(1) + " " + y(value).toFixed(1);
    for (const run of this.#runs()) {
      this.#stacked().forEach((s, i) => {
        const upper = run.map((p) => point(p.at, p.edges[i]));
        const lower = run.map((p) => point(p.at, i === 0 ? 0 : p.edges[i - 1])).reverse();
        if (run.some((p) => p.values[this.#series.indexOf(s)] > 0)) {
          drawn.push(
            svg("path", {
              class: "area c-" + s.name,
              d: "M" + [...upper, ...lower].join("L") + "Z",
            }),
          );
        }
      });
      for (const s of this.#series.filter((s) => s.line)) {
        const i = this.#series.indexOf(s);
        if (run.some((p) => p.values[i] > 0)) {
          drawn.push(
            svg("path", {
              class: "line c-" + s.name,
              d: "M" + run.map((p) => point(p.at, p.values[i])).join("L"),
            }),
          );
        }
      }
    }
    return drawn;
  }

  #grid(width, top, y) {
    return [0, 0.5, 1].flatMap((part) => {
      const at = Math.round(y(part * top)) + 0.5;
      const line = svg("line", {
        class: part === 0 ? "axis" : "grid",
        x1: 0,
        x2: width,
        y1: at,
        y2: at,
      });
      return part === 0
        ? [line]
        : [line, svg("text", { class: "tick halo", x: 0, y: at + 13 }, this.#format(part * top))];
    });
  }

  #nothing(width, y) {
    return svg(
      "text",
      { class: "tick", x: width / 2, y, "text-anchor": "middle" },
      this.#runs().length === 0 ? "Begins in a moment" : "No traffic in the last minutes",
    );
  }

  #times(width, seconds, x) {
    const step = seconds <= 60 ? 15 : seconds <= 120 ? 30 : 60;
    const texts = [];
    for (let at = 0; at <= seconds; at += step) {
      const left = x(-at);
      const anchor = at === 0 ? "end" : left < 20 ? "start" : "middle";
      texts.push(
        svg(
          "text",
          { class: "tick", x: Math.max(0, left), y: height - 6, "text-anchor": anchor },
          at === 0 ? "now" : "−" + span(at),
        ),
      );
    }
    return texts;
  }

  #marker(x) {
    if (this.#hovered === null) {
      return [];
    }
    const at = x(this.#hovered.at);
    return [svg("line", { class: "marker", x1: at, x2: at, y1: above, y2: height - below })];
  }

  // values shows those of now, or of the time that is pointed at.
  #values() {
    const p = this.#hovered ?? this.#points.at(-1);
    show(this.#now, this.#hovered && p.at < -0.5 ? span(-p.at) + " ago" : "Now");
    this.#series.forEach((s, i) => {
      show(this.#rows.get(s.name).now, p?.values ? this.#format(p.values[i]) : "–");
    });
  }

  #hover(event) {
    const box = this.#svg.getBoundingClientRect();
    const seconds = Math.min(longest, Math.max(shortest, -(this.#points[0]?.at ?? 0)));
    const at = ((event.clientX - box.left) / box.width - 1) * seconds;
    const known = this.#points.filter((p) => p.values);
    this.#hovered = known.reduce(
      (best, p) => (best === null || Math.abs(p.at - at) < Math.abs(best.at - at) ? p : best),
      null,
    );
    this.draw();
  }

  #leave() {
    this.#hovered = null;
    this.draw();
  }
}
