// data-live="<SSE url>" opens one EventSource; each server event `x` becomes `live:x` on document.body.
// A name is dispatched at most every 250 ms (data-live-every="ms" says otherwise), with the last detail; `news:x` comes
// with each event, for scripts that change the page themselves (the server sends at most ten a second).
// data-live-shown="17-66" tells the stream which rows the page has, so that it leaves out the others. EventSource
// reconnects by itself and names the last event it saw (Last-Event-ID), so that nothing is missed; where the browser
// has given up (a 502 of a proxy), the stream is opened again after the last event. As long as there is no stream, and
// once when it is there again (what happened meanwhile may be lost for good), `live:poll` is dispatched, so that regions
// ask by themselves. So it is after a region could not be fetched: the news that it asked for may have been the last.
// data-live-last="finished" names the event after which nothing comes. A region may be fetched before that event is here,
// and take the stream away, because the run has ended: it is dispatched then, for the other regions.
const EVERY = 250; // ms
const POLL = 10_000; // ms
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

function shown() {
  return document.querySelector("[data-live-shown]")?.dataset.liveShown ?? "";
}

function say(state) {
  document.body.dataset.liveState = state;
}

function connect(url, { liveEvery, liveLast }) {
  const every = Number(liveEvery) || EVERY;
  const stream = { url, every, heard: new Map(), last: "", final: liveLast, isOver: false };
  open(stream);
  return stream;
}

function open(stream) {
  const address = new URL(stream.url, location.href);
  if (stream.last) address.searchParams.set("after", stream.last);
  stream.shown = shown();
  if (stream.shown) address.searchParams.set("shown", stream.shown);
  stream.source = new EventSource(address);
  stream.source.addEventListener("open", () => {
    if (stream.lost) document.body.dispatchEvent(new CustomEvent("live:poll"));
    stream.lost = false;
    say("open");
  });
  stream.source.addEventListener("error", () => {
    stream.lost = true;
    say("lost");
  });
  for (const [name, heard] of stream.heard) stream.source.addEventListener(name, heard);
}

function reopen(stream) {
  stream.source.close();
  open(stream);
}

function listen(stream, name) {
  if (stream.heard.has(name)) return;
  const dispatch = (detail) => document.body.dispatchEvent(new CustomEvent(`live:${name}`, { detail }));
  const pass = throttled(dispatch, stream.every);
  const heard = (event) => {
    if (event.lastEventId) stream.last = event.lastEventId;
    if (name === stream.final) stream.isOver = true;
    const detail = parsed(event.data);
    document.body.dispatchEvent(new CustomEvent(`news:${name}`, { detail }));
    pass(detail);
  };
  stream.heard.set(name, heard);
  stream.source.addEventListener(name, heard);
}

let missed = false; // a region has not got what it asked for
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const unanswered = !detail.xhr.status || detail.xhr.status >= 500;
  if (unanswered && detail.elt.matches("[hx-trigger*='live:']")) missed = true;
});

setInterval(() => {
  const lost = [...streams.values()].filter(({ source }) => source.readyState !== EventSource.OPEN);
  if (!lost.length && !missed) return;
  missed = false;
  document.body.dispatchEvent(new CustomEvent("live:poll"));
  for (const stream of lost) if (stream.source.readyState === EventSource.CLOSED) open(stream);
}, POLL);

function refresh() {
  const taken = [];
  const wanted = new Map([...document.querySelectorAll("[data-live]")].map((element) => [element.dataset.live, element]));
  for (const [url, stream] of streams) {
    if (wanted.has(url)) continue;
    stream.source.close();
    streams.delete(url);
    if (stream.final && !stream.isOver) taken.push(stream.final);
  }
  for (const [url, element] of wanted) {
    if (!streams.has(url)) streams.set(url, connect(url, element.dataset));
    else if (streams.get(url).shown !== shown()) reopen(streams.get(url));
    for (const name of names(element)) listen(streams.get(url), name);
  }
  for (const name of taken) document.body.dispatchEvent(new CustomEvent(`live:${name}`));
}

refresh();
document.addEventListener("htmx:afterSettle", refresh);
addEventListener("pagehide", () => {
  for (const { source } of streams.values()) source.close();
  streams.clear();
});
addEventListener("pageshow", (event) => event.persisted && refresh());
