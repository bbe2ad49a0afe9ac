// The connection to the node: requests with the token, and the events, which are followed by fetch
// since an EventSource can't send a token.

const tokenName = "scurry-admin-token";
const silence = 6000; // ms without an event, of which there is one in a second
const longestWait = 30000;

let token = null;
try {
  token = sessionStorage.getItem(tokenName);
} catch {
  // the page keeps it
}

export const hasToken = () => token !== null;

export function setToken(value) {
  token = value;
  try {
    if (value === null) {
      sessionStorage.removeItem(tokenName);
    } else {
      sessionStorage.setItem(tokenName, value);
    }
  } catch {
    // the page keeps it
  }
}

// ask sends a request to the node.
export function ask(path, options = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  if (token !== null) {
    headers.Authorization = "Bearer " + token;
  }
  return fetch(path, {
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    ...options,
    headers,
  });
}

// get returns the JSON at a path, or null if there is none now.
export async function get(path) {
  try {
    const response = await ask(path, { signal: AbortSignal.timeout(10000) });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

// problem is what an answer says is wrong (RFC 9457).
export async function problem(response) {
  try {
    const { title, detail } = await response.json();
    return detail || title;
  } catch {
    return "The node answers with status " + response.status + ".";
  }
}

// Stream follows /events, and connects again when the connection is lost, after a longer and longer
// wait. It calls one of these of its listener: open(), stats(stats), denied(), lost(milliseconds
// until the next try, whether the node drains).
export class Stream {
  #listener;
  #failures = 0;
  #draining = false;
  #abort = null;
  #timer = 0;

  constructor(listener) {
    this.#listener = listener;
  }

  // connect connects at once.
  async connect() {
    this.close();
    const abort = new AbortController();
    this.#abort = abort;
    const watchdog = this.#watch(abort);
    this.#draining = false;
    try {
      const response = await ask("/events", {
        signal: abort.signal,
        headers: { Accept: "text/event-stream" },
      });
      if (response.status === 401) {
        this.#listener.denied();
        return;
      }
      this.#draining = response.status === 503;
      if (response.ok) {
        this.#listener.open();
        await this.#read(response.body, watchdog);
      }
    } catch {
      // the connection is lost
    } finally {
      watchdog.end();
    }
    if (this.#abort === abort) {
      this.#retry();
    }
  }

  close() {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = null;
  }

  // watch aborts a connection that is silent.
  #watch(abort) {
    let timer = 0;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), silence);
    };
    alive();
    return { alive, end: () => clearTimeout(timer) };
  }

  async #read(body, watchdog) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) {
        return;
      }
      watchdog.alive();
      const events = (text + value).split("\n\n");
      text = events.pop();
      for (const event of events) {
        this.#take(event);
      }
    }
  }

  #take(event) {
    const data = event.split("\n").filter((line) => line.startsWith("data:"));
    if (data.length === 0) {
      return;
    }
    const stats = JSON.parse(data.map((line) => line.slice(5)).join("\n"));
    this.#failures = 0;
    this.#draining = stats.draining;
    this.#listener.stats(stats);
  }

  #retry() {
    const most = Math.min(longestWait, 1000 * 2 ** this.#failures++);
    const wait = most * (0.75 + Math.random() / 4); // so that not all pages come at once
    this.#listener.lost(wait, this.#draining);
    this.#timer = setTimeout(() => this.connect(), wait);
  }
}
