// <time datetime> made by {% ago %} stays true while the page is open.
const STEPS = [["year", 31_536_000], ["month", 2_592_000], ["week", 604_800], ["day", 86_400], ["hour", 3_600], ["minute", 60]];
const format = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });

export function relative(moment, now = Date.now()) {
  const seconds = (new Date(moment).getTime() - now) / 1000;
  const step = STEPS.find(([, size]) => Math.abs(seconds) >= size);
  return step ? format.format(Math.trunc(seconds / step[1]), step[0]) : null;
}

function refresh() {
  for (const element of document.querySelectorAll("time[data-ago]")) {
    const text = relative(element.dateTime);
    if (text && text !== element.textContent) element.textContent = text;
  }
}

setInterval(refresh, 30_000);
