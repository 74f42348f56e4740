// What a folded card says of its step.

const plain = (value) => typeof value === "string" || typeof value === "number";

/** An action of a browser step: ``click role=button "Buy"``. */
function inShort(action) {
  const [[name, what] = []] = Object.entries(action);
  return name === undefined ? "" : `${name} ${plain(what) ? what : (what.at ?? what.key ?? "")}`;
}

/** One line that says most about a step: ``POST {{ URL }}/orders``, the first line of a query, … */
export function glance(kind, given) {
  if (kind.name === "http") return `${given.method ?? (given.graphql ? "POST" : "GET")} ${given.url ?? ""}`.trim();
  if (kind.name === "grpc") return String(given.method ?? "");
  for (const name of ["argv", "command"]) if (Array.isArray(given[name])) return given[name].join(" ");
  if (given.values && kind.name === "set") return Object.keys(given.values).join(", ");
  if (kind.name === "call") return String(given.step ?? "");
  if (kind.name === "repeat") return given.times !== undefined ? `${given.times} ×` : JSON.stringify(given.each ?? "");
  if (kind.name === "parallel") return (given.branches ?? []).map((one) => [one.name, one.count && `${one.count} ×`].filter(Boolean).join(" ")).join(" | ");
  if (kind.name === "browser") return `${(given.actions ?? []).map(inShort).join(" · ")}`;
  if (given.stream?.key) return String(given.stream.key);
  const fields = kind.fields.filter((field) => plain(given[field.name]) && !field.secret);
  const first = fields.find((field) => field.type !== "text") ?? fields[0];
  return first ? String(given[first.name]).trim().split("\n")[0] : "";
}

/** A check in words, for the hint on what is checked anyway. */
export function inWords(kind, check, operators) {
  const name = Object.keys(check).find((key) => !["check", "at", "not"].includes(key));
  const subject = kind.subjects.find((one) => one.name === check.check);
  return `${subject?.label ?? check.check} ${operators[name]?.label ?? name} ${JSON.stringify(check[name])}`;
}
