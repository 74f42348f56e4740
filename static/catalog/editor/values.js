// Between values and the text in which a person writes them. Pure functions.
//
// A single value is written like in YAML: 201 is a number, true a truth value, "201" in quotes a text, anything else
// a text as it stands. Objects and lists are JSON.

const NUMBER = /^-?\d+(\.\d+)?$/;
const WORDS = { true: true, false: false, null: null };

function quoted(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "string" || (typeof value === "object" && value !== null) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The value that a person means by *text*. */
export function readScalar(text) {
  const trimmed = text.trim();
  if (Object.hasOwn(WORDS, trimmed)) return WORDS[trimmed];
  if (NUMBER.test(trimmed) && String(Number(trimmed)) === trimmed) return Number(trimmed);
  if (/^["[{]/.test(trimmed)) return quoted(trimmed) ?? text;
  return text;
}

/** The text that readScalar turns into *value* again. */
export function showScalar(value) {
  if (typeof value !== "string") return value === undefined ? "" : JSON.stringify(value);
  return readScalar(value) === value ? value : JSON.stringify(value);
}

const TEMPLATE = /^\{\{[^]*\}\}$/;

/** Any JSON value; one template may stand without quotes. Undefined for nothing; throws SyntaxError. */
export function readJson(text) {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  try {
    return JSON.parse(trimmed);
  } catch (error) {
    if (TEMPLATE.test(trimmed)) return trimmed;
    throw error;
  }
}

/** The text that readJson turns into *value* again. */
export function showJson(value) {
  if (value === undefined) return "";
  return typeof value === "string" && TEMPLATE.test(value.trim()) && value === value.trim()
    ? value
    : JSON.stringify(value, null, 2);
}

/** A number, or the text itself where a template stands for it; undefined for nothing. */
export function readNumber(text) {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const value = Number(trimmed.replace(",", "."));
  return Number.isFinite(value) ? value : trimmed;
}

/** Names between commas, each once. */
export function readTags(text) {
  return [...new Set(text.split(",").map((tag) => tag.trim()).filter(Boolean))];
}

/** ``steps[2].with.url`` as ["steps", 2, "with", "url"]. */
export function pathParts(path) {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map((match) => (match[1] === undefined ? match[2] : Number(match[1])));
}
