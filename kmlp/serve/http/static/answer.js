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
  byId("bars").replaceChildren(...(isClass ? [bars(model, said)] : []));
  byId("brief").hidden = false;
  byId("brief").textContent = words.brief;
  clearTimeout(saying);
  // Read aloud once it rests: who draws changes it many times a second.
  saying = setTimeout(() => (byId("live").textContent = `${words.headline}. ${words.howSure}`), 700);
}

export function noAnswer(told) {
  byId("headline").textContent = "–";
  byId("how-sure").textContent = told;
  byId("brief").hidden = true;
  byId("bars").replaceChildren();
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
      (said.stddev ? `; ± is the spread of ${model.num_networks} networks` : ""),
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
      (spread ? `; ± is the spread of ${model.num_networks} networks` : ""),
  };
}

function bars(model, said) {
  const order = said.probabilities.map((_, place) => place);
  if (order.length > MOST_BARS) {
    order.sort((a, b) => said.probabilities[b] - said.probabilities[a]);
    order.length = MOST_BARS;
  }
  return make("ol", { class: "bars", "aria-label": "Classes" }, ...order.map((p) => bar(model, said, p)));
}

function bar(model, said, place) {
  const share = said.probabilities[place];
  const spread = said.stddev?.[place];
  const filled = make("span", { class: "bar" });
  filled.style.width = `${100 * share}%`;
  const track = make("span", { class: "track", "aria-hidden": "true" }, filled);
  if (spread > LEAST_SPREAD) {
    const low = Math.max(0, share - spread);
    const whisker = make("span", { class: "spread" });
    whisker.style.left = `${100 * low}%`;
    whisker.style.width = `${100 * (Math.min(1, share + spread) - low)}%`;
    track.append(whisker);
  }
  const told = percent(share) + (spread === undefined ? "" : ` ± ${(100 * spread).toFixed(1)}`);
  const name = className(model, place);
  return make(
    "li",
    { class: place === said.label ? "first" : "" },
    make("span", { class: "name", title: name }, name),
    track,
    make("span", { class: "share" }, told),
  );
}
