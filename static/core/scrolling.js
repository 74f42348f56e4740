// Code, tables and lists that scroll inside, and hold nothing that takes the focus, take it themselves: else nobody
// could scroll them by keys. Whether they scroll depends on the width, so it is looked at whenever a size changes.
const SCROLLS = "pre, .table-box, .diff, .rows-bounded, .runner-steps";
const TAKES_FOCUS = "a[href], button, input, select, textarea, summary, [tabindex]";

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) look(target);
});

function look(element) {
  const scrolls = element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight;
  const free = ["auto", "scroll"].some((word) => getComputedStyle(element).overflow.includes(word));
  if (scrolls && free && !element.querySelector(TAKES_FOCUS)) {
    if (!element.hasAttribute("tabindex")) (element.tabIndex = 0), (element.dataset.scrolls = "");
  } else if ("scrolls" in element.dataset) {
    element.removeAttribute("tabindex");
    delete element.dataset.scrolls;
  }
}

function watch(part) {
  if (part.matches?.(SCROLLS)) sizes.observe(part);
  for (const element of part.querySelectorAll?.(SCROLLS) ?? []) sizes.observe(element);
}

watch(document.body);
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) for (const part of addedNodes) watch(part);
}).observe(document.body, { childList: true, subtree: true });
