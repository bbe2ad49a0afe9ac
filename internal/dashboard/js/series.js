// What the counts of successive moments come to. Nothing here touches the page.

export const outcomes = ["hit", "collapsed", "stale", "revalidated", "partial", "miss", "pass"];
export const sources = ["memory", "peer", "origin"];

const kept = 300; // seconds

const since = (a, b) => (Date.parse(b.time) - Date.parse(a.time)) / 1000;

// History is the stats of the last minutes.
export class History {
  #all = [];

  // add takes in stats. Those of a process that has been started again begin a new history.
  add(stats) {
    const last = this.last;
    if (last && (stats.uptime_seconds < last.uptime_seconds || since(last, stats) <= 0)) {
      this.#all = [];
    }
    this.#all.push(stats);
    while (since(this.#all[0], stats) > kept + 1) {
      this.#all.shift();
    }
  }

  get last() {
    return this.#all.at(-1);
  }

  // over returns the stats of some seconds ago, or the oldest that are known, and the last ones;
  // null if there is one moment only.
  over(seconds) {
    if (this.#all.length < 2) {
      return null;
    }
    const first = this.#all.findLast((s) => since(s, this.last) >= seconds - 0.5) ?? this.#all[0];
    return { first, last: this.last, seconds: since(first, this.last) };
  }

  // rates returns, for each moment but the first, how much of each number that pick returns there
  // was in a second. Times are in seconds before the last moment. Where the page wasn't connected,
  // a point has no values.
  rates(pick) {
    const points = [];
    for (let i = 1; i < this.#all.length; i++) {
      const [a, b] = [this.#all[i - 1], this.#all[i]];
      const seconds = since(a, b);
      if (seconds > 5) {
        points.push({ at: -since(b, this.last) - seconds / 2, values: null });
        continue;
      }
      points.push({
        at: -since(b, this.last),
        values: difference(pick(a), pick(b)).map((n) => n / seconds),
      });
    }
    return points;
  }
}

// difference is how much each number has grown. A request may be counted by another outcome than
// the expected one when it ends, so a count may shrink by some.
function difference(before, after) {
  return after.map((n, i) => Math.max(0, n - before[i]));
}

export const requests = (s) => outcomes.map((o) => s.requests[o]);
export const content = (s) => sources.map((o) => s.responses[o + "_bytes"]);
export const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

// grown is how much the numbers of pick have grown from the first to the last moment.
export const grown = (window, pick) => difference(pick(window.first), pick(window.last));

// hitRatio is the part of requests that were answered without the origin, null if there were none.
// Those that were collapsed have waited for another's.
export function hitRatio(counts) {
  const all = sum(counts);
  return all === 0 ? null : saved(counts) / all;
}

// saved is how many requests were answered without a request to the origin of their own.
export const saved = (counts) => counts[0] + counts[1] + counts[2];

// byteHitRatio is the part of bytes that came from a node's memory.
export function byteHitRatio(counts) {
  const all = sum(counts);
  return all === 0 ? null : (counts[0] + counts[1]) / all;
}

// distribution is how many durations lie in each bucket, by its upper bound, of those that came
// between two moments. The last one has no bound.
export function distribution(before, after) {
  let below = 0;
  const bars = after.buckets.map((b, i) => {
    const upTo = b.count - before.buckets[i].count;
    const n = upTo - below;
    below = upTo;
    return { le: b.le_seconds, count: Math.max(0, n) };
  });
  return [...bars, { le: Infinity, count: Math.max(0, after.count - before.count - below) }];
}

// percentile is the duration, in seconds, that a part of them don't exceed, or null if there are
// none. Within a bucket they are taken to be spread evenly.
export function percentile(bars, part) {
  const all = sum(bars.map((b) => b.count));
  if (all === 0) {
    return null;
  }
  let left = part * all;
  let lower = 0;
  for (const { le, count } of bars) {
    if (count > 0 && left <= count) {
      return le === Infinity ? Infinity : lower + ((le - lower) * left) / count;
    }
    left -= count;
    lower = le;
  }
  return lower;
}
