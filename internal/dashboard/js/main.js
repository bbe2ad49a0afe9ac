// The page: what comes from the node goes to the panels.
//
//   Stream ─► History ─► panels, charts
//   /peers, /files, /errors, now and then ─► their panels

import { $, show } from "./dom.js";
import { get, hasToken, setToken, Stream } from "./connection.js";
import { actions, explain } from "./actions.js";
import { errors, files } from "./files.js";
import { StackedChart } from "./chart.js";
import { ring } from "./ring.js";
import * as f from "./format.js";
import * as panels from "./panels.js";
import * as series from "./series.js";

const labels = {
  hit: "Hit",
  collapsed: "Collapsed",
  stale: "Stale",
  revalidated: "Revalidated",
  partial: "Partial",
  miss: "Miss",
  pass: "Pass",
  memory: "Memory",
  peer: "Other nodes",
  origin: "Origin",
};
const named = (names) => names.map((name) => ({ name, label: labels[name] }));

const charts = {
  requests: new StackedChart($("requests-chart"), {
    title: "Requests per second",
    format: f.rate,
    base: 10,
    series: [...named(series.outcomes), { name: "failed", label: "Of which failed", line: true }],
  }),
  bytes: new StackedChart($("bytes-chart"), {
    title: "Bytes per second",
    format: f.bytes,
    base: 1024,
    series: named(series.sources),
  }),
};
const withFailed = (s) => [...series.requests(s), s.requests.failed];

let history = new series.History();
let peers = null;
let errorsSeen = null; // of which stats the errors are
let drained = false; // the node was draining when it was last heard of

function draw() {
  const s = history.last;
  if (!s || document.hidden) {
    return;
  }
  show($("uptime"), f.span(s.uptime_seconds));
  panels.tiles(history);
  charts.requests.update(history.rates(withFailed), withFailed(s).map(f.count));
  charts.bytes.update(history.rates(series.content), series.content(s).map(f.bytes));
  panels.latency(history);
  panels.memory(s);
  panels.origin(s);
}

// state is what the page says of the connection: connecting, live, draining, lost or denied.
function state(name, text) {
  document.body.dataset.state = name;
  show($("state"), text);
}

const notices = {
  draining: ["This node is draining.", "It ends the requests that it has, and stops."],
  lost: ["The connection to the node is lost.", "The numbers are the last ones that came."],
  stopped: ["The node has stopped or restarts.", "It was draining when the connection ended."],
};

function notice(name) {
  $("notice").hidden = name === null;
  if (name !== null) {
    show($("notice-title"), notices[name][0]);
    show($("notice-text"), notices[name][1]);
  }
}

let counting = 0;

// countDown shows how long it takes until the next try. Screen readers aren't told each second.
function countDown(milliseconds) {
  clearInterval(counting);
  const end = Date.now() + milliseconds;
  const tick = () =>
    show(
      $("countdown"),
      `Next try in ${f.span(Math.max(1, Math.ceil((end - Date.now()) / 1000)))}.`,
    );
  $("countdown").hidden = $("retry").hidden = milliseconds === 0;
  if (milliseconds > 0) {
    tick();
    counting = setInterval(tick, 1000);
  }
}

function gate(shown) {
  $("gate").hidden = !shown;
  $("panels").hidden = shown;
  $("forget").hidden = !hasToken();
  $("raw").hidden = shown || hasToken(); // a link has no token
}

const stream = new Stream({
  open() {
    gate(false);
    countDown(0);
    poll();
    get("/version").then(
      (v) =>
        v && show($("version"), v.version + (v.revision ? ` (${v.revision.slice(0, 8)})` : "")),
    );
  },
  stats(s) {
    history.add(s);
    drained = s.draining;
    countDown(0);
    notice(s.draining ? "draining" : null);
    state(s.draining ? "draining" : "live", s.draining ? "Draining" : "Live");
    draw();
    if (s.origin.last_error !== errorsSeen) {
      poll();
    }
  },
  denied() {
    const wrong = hasToken();
    setToken(null);
    history = new series.History();
    state("denied", "Token needed");
    notice(null);
    gate(true);
    show($("token-error"), wrong ? "This isn’t the node’s token." : "");
    $("token").value = "";
    $("token").focus();
  },
  lost(wait, draining) {
    drained ||= draining;
    state(draining ? "draining" : "lost", draining ? "Draining" : "No connection");
    notice(draining ? "draining" : drained ? "stopped" : "lost");
    countDown(wait);
  },
});

let polling = false;

// poll asks for what isn't among the events.
async function poll() {
  if (polling || document.hidden || !$("gate").hidden) {
    return;
  }
  polling = true;
  errorsSeen = history.last?.origin.last_error;
  const [p, all, e] = await Promise.all([get("/peers"), get("/files?n=10"), get("/errors")]);
  polling = false;
  const now = history.last?.time ?? new Date().toISOString();
  if (p) {
    peers = p;
    show($("node"), p.self);
    document.title = (p.self || location.host) + " – scurry";
    ring(p, now, history.last?.draining);
  }
  if (all) {
    files(all, explain);
  }
  if (e) {
    errors(e.origin, now);
  }
}

setInterval(() => {
  if (document.body.dataset.state === "live") {
    poll();
  }
}, 4000);

actions(
  () => ({ entries: history.last?.cache.records.entries ?? 0, nodes: peers?.ring.length ?? 1 }),
  poll,
);

$("retry").addEventListener("click", () => stream.connect());
$("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = $("token").value.trim();
  if (!/^[\x21-\x7e]+$/.test(token)) {
    show(
      $("token-error"),
      token === ""
        ? "Type or paste the token."
        : "A token has no spaces and no letters beyond ASCII.",
    );
    $("token").focus();
    return;
  }
  setToken(token);
  stream.connect();
});
$("forget").addEventListener("click", () => {
  setToken(null);
  location.reload();
});
document.addEventListener("visibilitychange", () => {
  draw();
  poll();
});
addEventListener("online", () => stream.connect());

stream.connect();
