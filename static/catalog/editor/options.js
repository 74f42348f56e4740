// When a step is done, for how long, how often it is tried again, and what the retry waits for.
import { checkList } from "./checks.js";
import { format } from "./data.js";
import { find } from "./dom.js";
import { readNumber } from "./values.js";

const INWARD = new Set(["wait", "set"]); // they ask nobody: trying them again changes nothing
const { step_timeout: LIMIT, retry_every: EVERY } = format.defaults;

/** The checks that a retry waits for: a list that opens when there are any, or when the person asks for it. */
function untilChecks(node, kind, given) {
  const place = find(node, "until-part");
  const list = checkList(find(node, "until"), kind, given);
  const opener = find(node, "add-until");
  const draw = () => (place.hidden = list.get().length === 0);
  opener.addEventListener("click", () => {
    list.add({}, false);
    draw();
    place.querySelector("select").focus();
  });
  find(node, "until").addEventListener("input", draw);
  draw();
  return list;
}

/** The options in the card *node* of *step*: {get, troubles, locate}. */
export function stepOptions(node, kind, step) {
  const [optional, when, timeout, retryFor, retryEvery] = ["optional", "when", "timeout", "retry-for", "retry-every"].map((name) => find(node, name));
  const retry = node.querySelector('[data-path="retry"]');
  const until = untilChecks(node, kind, step.retry?.until ?? []);
  optional.checked = Boolean(step.optional);
  when.value = step.when ?? "";
  timeout.placeholder = kind.group ? "–" : String(LIMIT);
  timeout.value = step.timeout ?? "";
  retryEvery.placeholder = String(EVERY);
  retryFor.value = step.retry?.for ?? "";
  retryEvery.value = step.retry?.every ?? "";
  retry.hidden = (kind.group || kind.by_person || INWARD.has(kind.name)) && !step.retry;
  for (const words of node.querySelectorAll("[data-limit-words]")) words.hidden = (words.dataset.limitWords === "group") !== kind.group;

  function readRetry() {
    const checks = until.get();
    if (!retryFor.value.trim() && !retryEvery.value.trim() && !checks.length) return {};
    const every = readNumber(retryEvery.value) ?? EVERY;
    return { retry: { for: readNumber(retryFor.value) ?? "", every, ...(checks.length ? { until: checks } : {}) } };
  }

  return {
    get: () => ({
      ...(when.value.trim() ? { when: when.value.trim() } : {}),
      ...(timeout.value.trim() ? { timeout: readNumber(timeout.value) } : {}),
      ...(optional.checked ? { optional: true } : {}),
      ...readRetry(),
    }),
    troubles: until.troubles,
    locate: ([part, index]) => (part === "until" ? until.locate(index) : null),
  };
}
