// The files that stand out, and the origin's errors.

import { $, el, empty, show, table } from "./dom.js";
import * as f from "./format.js";

// files shows them. explain is called with the URL that someone wants explained.
export function files(all, explain) {
  const hottest = all.hottest.filter((h) => h.requests_per_second >= 0.001);
  const link = (url) =>
    el(
      "button",
      { type: "button", className: "link", title: "Explain " + url, onclick: () => explain(url) },
      url,
    );
  keepFocus(
    $("hottest"),
    hottest.length === 0
      ? empty("No requests lately", "Ask for a file, and it appears here within some seconds.")
      : bars(
          table(
            "Hottest files",
            ["URL", "#Requests/s", "#Sent/s"],
            hottest.map((h) => [
              link(h.url),
              f.rate(h.requests_per_second),
              f.bytes(h.bytes_per_second),
            ]),
            { className: "files" },
          ),
          hottest.map((h) => h.requests_per_second),
        ),
  );
  show(
    $("hottest-note"),
    "Asked of this node by clients. " +
      (all.sampled_one_in === 1
        ? "All requests are counted."
        : `Estimated from a sample: one request in ${f.count(all.sampled_one_in)}.`),
  );
  keepFocus(
    $("largest"),
    all.largest.length === 0
      ? empty(
          "Nothing is stored yet",
          "What is fetched from the origin and may be stored appears here.",
        )
      : bars(
          table(
            "Largest files",
            ["URL", "#Size", "Type"],
            all.largest.map((l) => [link(l.url), f.bytes(l.content_bytes), mediaType(l)]),
            { className: "files" },
          ),
          all.largest.map((l) => l.content_bytes),
        ),
  );
}

const mediaType = (l) =>
  l.status === 200 ? (l.content_type ?? "–").split(";")[0] : "status " + l.status;

// bars puts a bar behind each row, as long as its value.
function bars(rows, values) {
  const most = Math.max(...values);
  [...rows.tBodies[0].rows].forEach((row, i) => {
    row.style.setProperty("--part", (100 * values[i]) / most + "%");
  });
  return rows;
}

// keepFocus replaces what is in a place. If a control there has the focus, the same one has it
// after that.
function keepFocus(place, content) {
  const held = place.contains(document.activeElement) ? document.activeElement.title : null;
  place.replaceChildren(content);
  if (held !== null) {
    [...place.querySelectorAll("button")]
      .find((b) => b.title === held)
      ?.focus({ preventScroll: true });
  }
}

// errors shows the origin's last errors, at that time.
export function errors(list, now) {
  $("errors").replaceChildren(
    list.length === 0
      ? empty(
          "None since the start",
          "Requests to the origin that bring no response, or only a part of one, appear here.",
        )
      : el(
          "ol",
          { className: "errors" },
          ...list.map((e) =>
            el(
              "li",
              {},
              el("time", { dateTime: e.time, title: e.time }, f.ago(e.time, now)),
              el("span", { className: "what" }, e.method + " " + e.url),
              el("span", { className: "why" }, e.text),
            ),
          ),
        ),
  );
}
