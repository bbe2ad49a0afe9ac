// The panels that show stats: the tiles, latency, memory, the origin.

import { $, el, empty, show, svg, swatch, table } from "./dom.js";
import * as f from "./format.js";
import * as series from "./series.js";

const minute = 60;

// tiles shows the numbers at the top.
export function tiles(history) {
  const s = history.last;
  const moment = history.over(5);
  const window = history.over(minute);
  const all = series.requests(s);
  tile(
    "requests",
    moment && f.rate(series.sum(series.grown(moment, series.requests)) / moment.seconds),
    "/s",
    `${f.count(s.requests.in_flight)} in flight, ${f.plural(s.connections, "connection")}`,
  );
  tile(
    "bytes",
    moment && f.byteRate(series.sum(series.grown(moment, series.content)) / moment.seconds),
    "",
    f.bytes(series.sum(series.content(s))) + " in all",
  );
  ratio(
    "hits",
    window && series.hitRatio(series.grown(window, series.requests)),
    series.hitRatio(all),
    "requests",
  );
  ratio(
    "byte-hits",
    window && series.byteHitRatio(series.grown(window, series.content)),
    series.byteHitRatio(series.content(s)),
    "content",
  );
  const asked = series.sum(all);
  tile(
    "saved",
    asked === 0 ? null : f.count(series.saved(all)),
    "",
    asked === 0 ? "no requests yet" : `of ${f.plural(asked, "request")} in all`,
  );
  const took = window && series.distribution(window.first.responses.duration, s.responses.duration);
  const [half, most] = [0.5, 0.99].map((p) => took && series.percentile(took, p));
  tile(
    "latency",
    took && most !== null ? f.latency(most) : null,
    "",
    took && most !== null
      ? `99th percentile; the median is ${f.latency(half)}`
      : "no responses in the last minute",
  );
}

function tile(name, value, unit, sub) {
  show($("t-" + name), value === null ? "–" : value + unit);
  show($("t-" + name + "-sub"), sub);
}

// ratio shows that of the last minute, or else that since the start.
function ratio(name, latest, ever, what) {
  const value = latest ?? ever;
  tile(
    name,
    value === null ? null : f.percent(value),
    "",
    value === null
      ? `no ${what} yet`
      : latest === null
        ? `of all ${what}; none in the last minute`
        : `of the last minute’s ${what}; ${f.percent(ever)} in all`,
  );
  $("t-" + name + "-meter").firstElementChild.style.width = (value ?? 0) * 100 + "%";
}

const parts = [0.5, 0.9, 0.99, 0.999];

// latency shows percentiles and how the durations are spread.
export function latency(history) {
  const window = history.over(minute);
  const [took, first] = ["duration", "first_byte"].map(
    (name) =>
      window && series.distribution(window.first.responses[name], window.last.responses[name]),
  );
  if (!took || series.percentile(took, 1) === null) {
    $("latency").replaceChildren(
      empty("No responses in the last minute", "Percentiles are of the responses that have ended."),
    );
    return;
  }
  const rows = parts.map((p) => [
    f.percent(p),
    f.latency(series.percentile(first, p)),
    f.latency(series.percentile(took, p)),
  ]);
  $("latency").replaceChildren(
    bars(took),
    table("Latency of the last minute", ["Up to this", "#First byte", "#Whole response"], rows),
  );
}

// bars is a chart of a distribution.
function bars(buckets) {
  const all = series.sum(buckets.map((b) => b.count));
  const most = Math.max(...buckets.map((b) => b.count));
  const [width, height, gap] = [360, 76, 3];
  const each = width / buckets.length;
  const chart = svg("svg", {
    class: "bars",
    role: "img",
    viewBox: `0 0 ${width} ${height + 18}`,
    "aria-label":
      "How long responses took: " +
      buckets
        .filter((b) => b.count > 0)
        .map((b) => `${f.percent(b.count / all)} ${bound(b.le)}`)
        .join(", "),
  });
  buckets.forEach((b, i) => {
    const size = b.count === 0 ? 1 : Math.max(3, (height * b.count) / most);
    chart.append(
      svg("rect", {
        class: b.count === 0 ? "none" : "bar",
        x: i * each + gap / 2,
        y: height - size,
        width: each - gap,
        height: size,
        rx: 1.5,
      }),
    );
  });
  for (const [at, text] of [
    [0.001, "1 ms"],
    [0.01, "10 ms"],
    [0.1, "100 ms"],
    [1, "1 s"],
    [10, "10 s"],
    [60, "1 min"],
  ]) {
    const i = buckets.findIndex((b) => b.le === at);
    if (i >= 0) {
      chart.append(
        svg(
          "text",
          {
            class: "tick",
            x: (i + 1) * each,
            y: height + 14,
            "text-anchor": i === 0 ? "start" : "middle",
            ...(i === 0 ? { x: 0 } : {}),
          },
          text,
        ),
      );
    }
  }
  return chart;
}

const bound = (le) =>
  le === Infinity ? "longer" : "up to " + (le === 0.001 ? "1 ms" : f.latency(le));

const memoryParts = [
  ["main", "Main"],
  ["probation", "On probation"],
  ["hot", "Hot copies"],
  ["records", "Records"],
];

// memory shows what the parts of the cache take of the budget.
export function memory(stats) {
  const c = stats.cache;
  const used = series.sum(memoryParts.map(([name]) => c[name].bytes));
  show($("memory-sum"), `${f.bytes(used)} of ${f.bytes(c.limit_bytes)}`);
  const bar = el("div", {
    className: "stack",
    role: "img",
    ariaLabel: `${f.percent(used / c.limit_bytes)} of the memory is used, by the parts below.`,
  });
  for (const [name] of memoryParts) {
    const part = el("span", { className: "c-" + name });
    part.style.width = (100 * c[name].bytes) / c.limit_bytes + "%";
    bar.append(part);
  }
  const rows = memoryParts.map(([name, label]) => [
    el("span", {}, swatch(name), label),
    f.bytes(c[name].bytes),
    f.count(c[name].entries),
    f.count(c[name].evictions),
  ]);
  const evicted = series.sum(memoryParts.map(([name]) => c[name].evictions)) > 0;
  const evicts = c.main.evictions > 0 && c.eviction_age_seconds > 0;
  $("memory").replaceChildren(
    bar,
    table("Memory by part", ["Part", "#Holds", "#Entries", "#Evicted"], rows),
    el(
      "p",
      { className: "note" },
      evicts
        ? `What main evicts next was last used ${f.span(c.eviction_age_seconds)} ago, about.`
        : used === 0
          ? "Nothing is stored yet."
          : evicted
            ? "Only parts beside main have had to make room."
            : "Nothing has had to make room.",
    ),
  );
}

// origin shows what is known of the origin.
export function origin(stats) {
  const o = stats.origin;
  show(
    $("origin-sum"),
    o.last_error && (!o.last_success || o.last_error > o.last_success)
      ? "fails"
      : o.last_success
        ? "answers"
        : "hasn’t been asked yet",
  );
  const took = series.distribution(
    { count: 0, buckets: o.first_byte.buckets.map(() => ({ count: 0 })) },
    o.first_byte,
  );
  const facts = [
    ["Requests", f.count(o.requests)],
    ["In flight", f.count(o.in_flight)],
    ["Received", f.bytes(o.received_bytes)],
    ["Without a response", f.count(o.errors)],
    ["Half answer within", f.latency(series.percentile(took, 0.5))],
    ["Last answer", o.last_success ? f.ago(o.last_success, stats.time) : "–"],
    ["Last error", o.last_error ? f.ago(o.last_error, stats.time) : "–"],
    ["Fills under way", f.count(stats.fills.in_flight)],
  ];
  const list = $("origin-facts");
  if (list.children.length !== facts.length) {
    list.replaceChildren(...facts.map(([name]) => el("div", {}, el("dt", {}, name), el("dd", {}))));
  }
  facts.forEach(([, value], i) => show(list.children[i].lastElementChild, value));
}
