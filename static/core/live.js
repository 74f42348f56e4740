// data-live="<SSE url>" opens one EventSource; each server event `x` becomes `live:x` on document.body.
// A name is dispatched at most every 250 ms, with the last detail. EventSource reconnects by itself and names the
// last event it saw (Last-Event-ID), so that nothing is missed.
const EVERY = 250; // ms
const streams = new Map();

/** Calls of the returned function pass on at most every *every* ms; the last detail always arrives. */
export function throttled(pass, every = EVERY) {
  let waiting = null;
  let next = 0;
  return (detail) => {
    const now = performance.now();
    if (waiting) waiting.detail = detail;
    else if (now >= next) {
      next = now + every;
      pass(detail);
    } else {
      waiting = { detail };
      setTimeout(() => {
        const { detail: latest } = waiting;
        waiting = null;
        next = performance.now() + every;
        pass(latest);
      }, next - now);
    }
  };
}

function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}

// Names: those of data-live-events, and every live:x that an hx-trigger on the page waits for.
function names(element) {
  const triggers = [...document.querySelectorAll("[hx-trigger*='live:']")].map((other) => other.getAttribute("hx-trigger"));
  const waited = triggers.flatMap((trigger) => [...trigger.matchAll(/live:([\w-]+)/g)].map((match) => match[1]));
  return new Set([...(element.dataset.liveEvents ?? "").split(/[\s,]+/).filter(Boolean), ...waited]);
}

function connect(url) {
  const source = new EventSource(url);
  const say = (state) => (document.body.dataset.liveState = state);
  source.addEventListener("open", () => say("open"));
  source.addEventListener("error", () => say("lost"));
  return { source, heard: new Set() };
}

function listen({ source, heard }, name) {
  if (heard.has(name)) return;
  heard.add(name);
  const pass = throttled((detail) => document.body.dispatchEvent(new CustomEvent(`live:${name}`, { detail })));
  source.addEventListener(name, (event) => pass(parsed(event.data)));
}

function refresh() {
  const wanted = new Map([...document.querySelectorAll("[data-live]")].map((element) => [element.dataset.live, element]));
  for (const [url, { source }] of streams) {
    if (wanted.has(url)) continue;
    source.close();
    streams.delete(url);
  }
  for (const [url, element] of wanted) {
    if (!streams.has(url)) streams.set(url, connect(url));
    for (const name of names(element)) listen(streams.get(url), name);
  }
}

refresh();
document.addEventListener("htmx:afterSettle", refresh);
addEventListener("pagehide", () => {
  for (const { source } of streams.values()) source.close();
  streams.clear();
});
addEventListener("pageshow", (event) => event.persisted && refresh());
