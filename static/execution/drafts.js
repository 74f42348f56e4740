// What a person has typed for one manual step, kept in this browser until the server has it.
const PREFIX = "integhub:manual:";
const KEPT = 30 * 86_400_000; // ms

/** The draft of step *id*: { note, begun, pending, seconds, saved }; empty when there is none. */
export function load(id) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + id)) ?? {};
  } catch {
    return {};
  }
}

/** Change some of the draft's values; answers the whole draft. Never throws. */
export function save(id, changes) {
  const draft = { ...load(id), ...changes, saved: Date.now() };
  try {
    localStorage.setItem(PREFIX + id, JSON.stringify(draft));
  } catch {
    // The storage is full or switched off: the text stays in the page.
  }
  return draft;
}

export function clear(id) {
  localStorage.removeItem(PREFIX + id);
}

/** Forget drafts that nobody came back to. */
export function tidy(now = Date.now()) {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(PREFIX) && now - (load(key.slice(PREFIX.length)).saved ?? 0) > KEPT) localStorage.removeItem(key);
  }
}

/** Whole seconds since *draft* was begun; empty when that is not known. */
export function seconds({ begun }) {
  return begun ? Math.max(0, Math.floor((Date.now() - begun) / 1000)) : "";
}

/** Drafts of *person* whose verdict has not been sent yet, each with its `id`. */
export function pending(person) {
  const own = `${PREFIX}${person}.`;
  const ids = Object.keys(localStorage).filter((key) => key.startsWith(own)).map((key) => key.slice(PREFIX.length));
  return ids.map((id) => ({ id, ...load(id) })).filter((draft) => draft.pending && draft.action);
}
