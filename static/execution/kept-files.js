// Files that have not been sent yet, in the browser's IndexedDB: they survive a reload and a lost connection.
const NAME = "integhub-manual";
const STORE = "files";
const KEPT = 7 * 24 * 3600_000; // ms

let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

async function run(mode, act) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, mode);
    const request = act(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

// Where the browser keeps nothing (private windows, a full disk), a file lives as long as its page.
const quietly = (promise, otherwise) => promise.catch(() => otherwise);

/** Keep *file* for the *step* (id of its draft) until it is dropped; answers what `waiting` gives. */
export async function keep(step, file, name) {
  const kept = { id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, step, name, file, saved: Date.now() };
  await quietly(run("readwrite", (store) => store.put(kept)));
  return kept;
}

export function drop(kept) {
  return quietly(run("readwrite", (store) => store.delete(kept.id)));
}

/** What is kept for *step*, oldest first: `{id, step, name, file}`. */
export async function waiting(step) {
  const all = await quietly(run("readonly", (store) => store.getAll()), []);
  for (const old of all.filter((one) => Date.now() - one.saved > KEPT)) drop(old);
  return all.filter((one) => one.step === step).sort((one, other) => one.saved - other.saved);
}
