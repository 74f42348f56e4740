// The behaviour of every page; each module minds its own data- attributes and works on what htmx brings in later.
import "./csrf.js";
import "./confirm.js";
import "./copy.js";
import "./failures.js";
import "./forms.js";
import "./keys.js";
import "./live.js";
import "./meter.js";
import "./palette.js";
import "./scrolling.js";
import "./theme.js";
import "./times.js";
