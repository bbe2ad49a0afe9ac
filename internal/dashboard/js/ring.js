// The nodes that share the cache, and which part of the keys each owns.

import { $, el, empty, show, svg } from "./dom.js";
import * as f from "./format.js";

const states = {
  live: ["good", "Live"],
  leaving: ["warn", "Leaving"],
  down: ["bad", "Down"],
  refused: ["bad", "Refused"],
  itself: ["good", "Itself"],
  unknown: ["warn", "Unknown"],
};

// ring shows peers, as they are at that time.
export function ring(peers, now, draining) {
  if (!peers.self) {
    show($("ring-sum"), "");
    $("ring").replaceChildren(
      empty(
        "This node is on its own",
        "It owns all that it stores. With ",
        el("code", {}, "--peers"),
        ", several nodes share one cache: see ",
        el("code", {}, "scurry help cluster"),
        ".",
      ),
    );
    return;
  }
  const shares = new Map(peers.ring.map((n) => [n.name, n.share]));
  const names = [
    ...new Set([peers.self, ...peers.peers.map((p) => p.name), ...shares.keys()]),
  ].sort();
  const known = new Map(peers.peers.map((p) => [p.name, p]));
  show(
    $("ring-sum"),
    f.plural(shares.size, "node") + (shares.size < names.length ? ` of ${names.length}` : ""),
  );
  $("ring").replaceChildren(
    el(
      "div",
      { className: "ring" },
      donut(names, shares),
      list(names, shares, known, peers.self, now, draining),
    ),
  );
}

function donut(names, shares) {
  const [r, around] = [42, 2 * Math.PI * 42];
  const said = names.filter((n) => shares.has(n)).map((n) => `${n} ${f.percent(shares.get(n))}`);
  const chart = svg("svg", {
    class: "donut",
    viewBox: "0 0 104 104",
    role: "img",
    "aria-label": "Shares of the keys: " + said.join(", "),
  });
  chart.append(svg("circle", { class: "track", cx: 52, cy: 52, r }));
  let from = 0;
  names.forEach((name, i) => {
    const share = shares.get(name) ?? 0;
    const gap = share < 1 ? 2.5 : 0;
    if (share > 0) {
      chart.append(
        svg("circle", {
          class: "slice n-" + (i % 8),
          cx: 52,
          cy: 52,
          r,
          "stroke-dashoffset": -from * around,
          "stroke-dasharray": `${Math.max(0.5, share * around - gap)} ${around}`,
          transform: "rotate(-90 52 52)",
        }),
      );
    }
    from += share;
  });
  chart.append(
    svg(
      "text",
      { class: "donut-count", x: 52, y: 54, "text-anchor": "middle" },
      String(shares.size),
    ),
    svg(
      "text",
      { class: "tick", x: 52, y: 70, "text-anchor": "middle" },
      shares.size === 1 ? "node" : "nodes",
    ),
  );
  return chart;
}

function list(names, shares, known, self, now, draining) {
  return el(
    "ul",
    { className: "nodes" },
    ...names.map((name, i) => {
      const peer = known.get(name);
      const [tone, text] =
        name === self
          ? draining
            ? ["warn", "Draining"]
            : ["good", "This node"]
          : (states[peer?.state] ?? states.unknown);
      const facts = peer
        ? [
            `for ${f.ago(peer.since, now).replace(" ago", "")}`,
            f.plural(peer.requests, "request") +
              (peer.requests > 0 ? `, ${f.latency(peer.latency_seconds)}` : ""),
          ]
        : [];
      return el(
        "li",
        {},
        el("span", { className: "swatch n-" + (i % 8), ariaHidden: "true" }),
        el("span", { className: "name" }, name),
        el("span", { className: "share" }, shares.has(name) ? f.percent(shares.get(name)) : "–"),
        el(
          "span",
          { className: "more" },
          el("span", { className: "badge " + tone }, text),
          ...facts.flatMap((fact) => [" ", el("span", {}, fact)]),
        ),
        ...(peer?.failure && peer.state !== "live"
          ? [el("span", { className: "more why" }, peer.failure)]
          : []),
      );
    }),
  );
}
