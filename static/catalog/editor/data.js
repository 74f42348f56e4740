// What the server gave the editor: the case, the kinds of steps as data, what can be chosen, and words.
const data = JSON.parse(document.getElementById("editor-data").textContent);

export const { format, choices } = data;
export const opened = data.case;

/** The kind called *name*, or undefined. */
export const kindOf = (name) => format.kinds.find((kind) => kind.name === name);

/** The text *key* in the reader's language, its places filled with *values*. */
export function say(key, values = {}) {
  return data.words[key].replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}
