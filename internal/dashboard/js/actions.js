// The purge box and the explain box.

import { $, el, table } from "./dom.js";
import { ask, problem } from "./connection.js";
import * as f from "./format.js";

const purgeLabels = {
  files: ["URL, as clients ask for it", "/files/…"],
  prefixes: ["URL without a query, with all below it", "/files/…"],
  tags: ["Name of the cache group", "release-42"],
};

const selected = () => document.querySelector("input[name=what]:checked").value;

// whatChanged shows the fields that the kind of purge has.
function whatChanged() {
  const what = selected();
  const all = what === "everything";
  $("purge-named").hidden = all;
  $("purge-queries-label").hidden = what !== "files";
  $("purge-button").textContent = all ? "Purge everything…" : "Purge";
  $("purge-button").className = all ? "danger" : "primary";
  if (!all) {
    [$("purge-label").textContent, $("purge-text").placeholder] = purgeLabels[what];
  }
}

// purgeForm is the purge as JSON, or null if nothing is named.
function purgeForm() {
  const what = selected();
  const soft = $("purge-soft").checked ? { soft: true } : {};
  if (what === "everything") {
    return { purge_everything: true, ...soft };
  }
  const named = $("purge-text").value.trim();
  const queries = what === "files" && $("purge-queries").checked ? { queries: true } : {};
  return named === "" ? null : { [what]: [named], ...soft, ...queries };
}

// confirmed asks whether everything is to be purged. context tells how much that is.
function confirmed(context) {
  const dialog = $("confirm");
  const soft = $("purge-soft").checked;
  const { entries, nodes } = context();
  $("confirm-text").textContent =
    (soft ? "Everything that is stored becomes stale" : "All that is stored is removed") +
    (nodes > 1 ? ` on all ${nodes} nodes` : "") +
    `: ${f.plural(entries, "record")} on this one. ` +
    (soft
      ? "It is validated as it is asked for."
      : "The origin gets the requests for all of it again.");
  dialog.showModal();
  $("confirm-no").focus();
  // The dialog's close event comes some time later: when it has been opened again, perhaps.
  return new Promise((resolve) => {
    const end = new AbortController();
    const answer = (yes) => {
      end.abort();
      resolve(yes);
    };
    const once = { signal: end.signal };
    $("confirm-form").addEventListener("submit", (e) => answer(e.submitter?.value === "yes"), once);
    dialog.addEventListener("cancel", () => answer(false), once);
  });
}

const failed = (text) => el("p", { className: "error" }, text);

// sent shows in a place what render makes of the answer to a request, or why there is none. A later
// request's answer isn't replaced by an earlier one's.
async function sent(place, request, render) {
  const turn = {};
  place.turn = turn;
  place.replaceChildren(el("p", { className: "busy" }, "Waiting for the node…"));
  let content;
  try {
    const response = await request();
    content = response.ok ? render(await response.json()) : failed(await problem(response));
  } catch {
    content = failed("The node can’t be reached.");
  }
  if (place.turn === turn) {
    place.replaceChildren(content);
  }
}

function purged(answer) {
  const rows = answer.nodes.map((n) => {
    const ok = n.status === "ok";
    return [
      n.name || "this node",
      el("span", { className: "badge " + (ok ? "good" : "bad") }, ok ? "Purged" : "Failed"),
      ok ? f.count(n.purged) : "–",
      n.reason ? `${n.reason}; old content is possible until: ${n.old_until}` : "",
    ];
  });
  const swept = answer.nodes.reduce((sum, n) => sum + n.purged, 0);
  const title = answer.success
    ? `Done: ${f.plural(swept, "stored response")} purged.`
    : "Not all nodes have acknowledged it. Those may serve what they had.";
  const columns = ["Node", "Result", "#Responses", "Reason"];
  const plain = answer.success;
  return el(
    "div",
    {},
    el("p", { className: plain ? "done" : "error" }, title),
    table(
      "Result of the purge by node",
      plain ? columns.slice(0, 3) : columns,
      plain ? rows.map((r) => r.slice(0, 3)) : rows,
    ),
  );
}

// explained shows the lines of an explanation. Small letters name what is about the line above.
function explained(answer) {
  const list = el("dl", { className: "explained" });
  let last = "";
  for (const line of answer.lines) {
    const head = line.name !== line.name.toLowerCase();
    list.append(
      el("dt", { className: head ? "" : "minor" }, line.name === last ? "" : line.name),
      el(
        "dd",
        { className: head ? "" : "minor" },
        line.text,
        ...(line.section ? [" ", el("span", { className: "section" }, line.section)] : []),
      ),
    );
    last = line.name;
  }
  const tone = { hit: "good", stale: "warn", refuse: "bad" }[answer.action] ?? "plain";
  return el(
    "div",
    {},
    el(
      "p",
      { className: "verdict" },
      el("span", { className: "badge " + tone }, answer.action),
      answer.lifetime
        ? ` fresh for ${f.span(answer.lifetime)}` +
            (answer.ttl >= 0
              ? `, another ${f.span(answer.ttl)}`
              : `, stale for ${f.span(-answer.ttl)}`)
        : "",
    ),
    list,
  );
}

// actions makes the boxes work. context returns the number of records and of nodes, and after is
// called when a purge has ended.
export function actions(context, after) {
  for (const radio of document.getElementsByName("what")) {
    radio.addEventListener("change", whatChanged);
  }
  whatChanged();
  $("purge-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = purgeForm();
    if (form === null) {
      $("purge-result").replaceChildren(failed("Name what is to be purged."));
      $("purge-text").focus();
      return;
    }
    if (form.purge_everything && !(await confirmed(context))) {
      return;
    }
    await sent(
      $("purge-result"),
      () =>
        ask("/purge", {
          method: "POST",
          body: JSON.stringify(form),
          headers: { "Content-Type": "application/json" },
        }),
      purged,
    );
    after();
  });
  $("explain-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const url = $("explain-text").value.trim();
    if (url === "") {
      $("explain-result").replaceChildren(failed("Write a URL, or a path from its slash on."));
      $("explain-text").focus();
      return;
    }
    const query = new URLSearchParams({
      url,
      format: "json",
      probe: $("explain-probe").checked ? "1" : "0",
    });
    sent($("explain-result"), () => ask("/explain?" + query), explained);
  });
}

// explain has the box explain a URL.
export function explain(url) {
  $("explain-text").value = url;
  $("explain-form").requestSubmit();
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  $("explain-title").scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
  $("explain-text").focus({ preventScroll: true });
}
