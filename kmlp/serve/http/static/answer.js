// What the model says: a headline, how sure it is, and a bar a class.

import { byId, digits, make, percent } from "./dom.js";

const MOST_BARS = 30;
const LEAST_SPREAD = 0.004; // what is less is a blot, not a whisker
let saying = null;

export function className(model, place) {
  return model.classes[place] ?? String(place);
}

export function showAnswer(model, said) {
  const isClass = "probabilities" in said;
  const words = isClass ? ofClass(model, said) : ofNumber(model, said);
  byId("headline").textContent = words.headline;
  byId("how-sure").textContent = words.howSure;
  const bounds = boundsOf(model, said);
  const strange = strangeIn(model, said);
  show("bounds", bounds);
  show("strange", strange);
  if (isClass) showBars(model, said);
  else byId("bars").replaceChildren();
  byId("brief").hidden = false;
  byId("brief").textContent = words.brief;
  clearTimeout(saying);
  // Read aloud once it rests: who draws changes it many times a second.
  const all = [words.headline, words.howSure, bounds, strange].filter(Boolean).join(". ");
  saying = setTimeout(() => (byId("live").textContent = all), 700);
}

function show(id, text) {
  byId(id).textContent = text;
  byId(id).hidden = !text;
}

// The set or the interval that holds the truth as often as the export says.
function boundsOf(model, said) {
  const share = model.coverage == null ? "" : `${percentOf(model.coverage)} `;
  if ("lower" in said) return `${share}interval: ${digits(said.lower)} to ${digits(said.upper)}`;
  if (!("set" in said)) return "";
  const names = said.set.flatMap((isIn, place) => (isIn ? [className(model, place)] : []));
  return `${share}set: ${names.length ? names.join(", ") : "none, for no class is likely enough"}`;
}

function percentOf(share) {
  return `${Number((100 * share).toPrecision(6))} %`;
}

function strangeIn(model, said) {
  const flags = said.out_of_range;
  if (flags === true) return "Values lie outside of what training saw.";
  const names = Array.isArray(flags) ? model.ranges_of.filter((_, place) => flags[place]) : [];
  return names.length ? `Training saw no such ${names.join(", ")}.` : "";
}

export function noAnswer(told) {
  byId("headline").textContent = "–";
  byId("how-sure").textContent = told;
  byId("brief").hidden = true;
  show("bounds", "");
  show("strange", "");
  byId("bars").replaceChildren();
}

function spreadOf(model) {
  return `; ± is the spread of ${model.num_networks} networks, not how far off they may be`;
}

function ofClass(model, said) {
  const share = said.probabilities[said.label];
  const spread = said.stddev ? ` ± ${(100 * said.stddev[said.label]).toFixed(1)}` : "";
  const name = className(model, said.label);
  return {
    headline: name,
    brief: `${name}: ${(100 * share).toFixed(1)}${spread} %`,
    howSure:
      `probability ${(100 * share).toFixed(1)}${spread} %` +
      (model.threshold == null
        ? ""
        : `; ${className(model, 1)} from ${percentOf(Number(model.threshold.toPrecision(3)))} on`) +
      (said.stddev ? spreadOf(model) : ""),
  };
}

function ofNumber(model, said) {
  const spread = "stddev" in said ? ` ± ${digits(said.stddev)}` : "";
  const headline = `${digits(said.prediction)}${spread}`;
  return {
    headline,
    brief: `${model.target ?? "prediction"}: ${headline}`,
    howSure:
      `${model.target ?? "prediction"}` +
      (spread ? spreadOf(model) : ""),
  };
}

// Bars stay the elements that they are, so that they move; another model, or order, has its own.
function showBars(model, said) {
  const order = said.probabilities.map((_, place) => place);
  if (order.length > MOST_BARS) {
    order.sort((a, b) => said.probabilities[b] - said.probabilities[a]);
    order.length = MOST_BARS;
  }
  const key = JSON.stringify([model.name, model.version, order]);
  let list = byId("bars").firstElementChild;
  if (list?.dataset.key !== key) {
    const items = order.map((place) => newBar(className(model, place)));
    list = make("ol", { class: "bars", "aria-label": "Classes", "data-key": key }, ...items);
    byId("bars").replaceChildren(list);
  }
  order.forEach((place, i) => setBar(list.children[i], said, place));
}

function newBar(name) {
  const bar = make("span", { class: "bar" });
  const spread = make("span", { class: "spread" });
  return make(
    "li",
    {},
    make("span", { class: "name", title: name }, name),
    make("span", { class: "track", "aria-hidden": "true" }, bar, spread),
    make("span", { class: "share" }),
  );
}

function setBar(item, said, place) {
  const share = said.probabilities[place];
  const spread = said.stddev?.[place];
  const find = (name) => item.querySelector(`.${name}`);
  item.classList.toggle("first", place === said.label);
  item.classList.toggle("in-set", Boolean(said.set?.[place]));
  find("bar").style.width = `${100 * share}%`;
  find("spread").hidden = !(spread > LEAST_SPREAD);
  const low = Math.max(0, share - spread);
  find("spread").style.left = `${100 * low}%`;
  find("spread").style.width = `${100 * (Math.min(1, share + spread) - low)}%`;
  const about = spread === undefined ? "" : ` ± ${(100 * spread).toFixed(1)}`;
  find("share").textContent = percent(share) + about;
}
