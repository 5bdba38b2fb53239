// How the answer changes along one column, all else as in the form.

import { byId, digits, make, makeSvg, percent } from "./dom.js";
import { className } from "./answer.js";
import { dateOf, placeOf, shown } from "./form.js";
import { oneAtATime, predict } from "./api.js";

const POINTS = 41;
const MOST_WORDS = 40;
const [WIDEST, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [520, 220, 56, 14, 12, 30];

export class Along {
  constructor(model, form, trouble) {
    Object.assign(this, { model, form });
    this.fields = form.fields.filter(({ column: c }) => c.words.length || c.low !== null);
    this.column = make("select", { id: "along-column" });
    this.column.append(...this.fields.map((f, i) => make("option", { value: i }, f.column.name)));
    this.which = make("select", { id: "along-class" });
    this.which.append(...model.classes.map((name, i) => make("option", { value: i }, name)));
    this.which.value = model.classes.length - 1;
    this.body = make("div");
    const place = byId("along");
    place.hidden = !this.fields.length;
    place.replaceChildren(make("h3", {}, "Along one column"), this.choices(), this.body);
    this.draw = oneAtATime(() => this.redraw().catch(trouble));
    this.column.addEventListener("change", () => this.draw());
    this.which.addEventListener("change", () => this.draw());
  }

  choices() {
    const row = make("div", { class: "row" }, make("label", {}, "Column ", this.column));
    if (this.model.classes.length) row.append(make("label", {}, "Class ", this.which));
    return row;
  }

  async redraw() {
    const field = this.fields[this.column.value];
    if (!field) return;
    const { column } = field;
    const values = column.words.length ? column.words.slice(0, MOST_WORDS) : spaced(column);
    const cells = column.kind === "date" ? values.map(dateOf) : values;
    const rows = cells.map((cell) => this.form.row({ [column.name]: cell }));
    const said = (await predict(this.model, rows)).map((each) => this.pointOf(each));
    const chart = column.words.length ? null : this.chart(field, values, said);
    const table = this.table(column, cells, said);
    this.body.replaceChildren(
      ...(chart ? [chart, make("details", {}, make("summary", {}, "As a table"), table)] : [table]),
    );
  }

  pointOf(said) {
    if (!("probabilities" in said)) return { y: said.prediction, spread: said.stddev ?? 0 };
    const place = this.which.value;
    return { y: said.probabilities[place], spread: said.stddev?.[place] ?? 0 };
  }

  chart(field, values, said) {
    const isShare = this.model.classes.length > 0;
    const width = Math.min(WIDEST, this.body.clientWidth || WIDEST);
    const ys = said.flatMap(({ y, spread }) => [y - spread, y + spread]);
    const [low, high] = isShare ? [0, 1] : padded(Math.min(...ys), Math.max(...ys));
    const [first, last] = [values[0], values.at(-1)];
    const x = (v) => LEFT + ((v - first) / (last - first || 1)) * (width - LEFT - RIGHT);
    const clip = (v) => Math.min(high, Math.max(low, v));
    const y = (v) => TOP + ((high - clip(v)) / (high - low || 1)) * (HEIGHT - TOP - BOTTOM);
    const at = (sign) => said.map((p, i) => `${x(values[i])},${y(p.y + sign * p.spread)}`);
    const { kind, name } = field.column;
    const told = isShare ? `Probability of ${className(this.model, this.which.value)}` : this.model.target;
    const svg = makeSvg("svg", {
      class: "chart",
      viewBox: `0 0 ${width} ${HEIGHT}`,
      role: "img",
      "aria-label": `${told} along ${name}; the table below has the numbers`,
    });
    const tick = (v) => (isShare ? `${Math.round(100 * v)} %` : String(Number(v.toPrecision(3))));
    for (const v of [low, (low + high) / 2, high]) {
      svg.append(
        makeSvg("line", { class: "axis", x1: LEFT, x2: width - RIGHT, y1: y(v), y2: y(v) }),
        makeSvg("text", { x: LEFT - 8, y: y(v) + 4, "text-anchor": "end" }, tick(v)),
      );
    }
    for (const [v, anchor] of [[first, "start"], [last, "end"]]) {
      svg.append(makeSvg("text", { x: x(v), y: HEIGHT - 8, "text-anchor": anchor }, shown(kind, v)));
    }
    const band = [...at(1), ...at(-1).reverse()].join(" ");
    svg.append(makeSvg("polygon", { class: "band", points: band }));
    svg.append(makeSvg("polyline", { class: "line", points: at(0).join(" ") }));
    const here = placeOf(field);
    if (here !== null && here >= first && here <= last) {
      svg.append(makeSvg("line", { class: "here", x1: x(here), x2: x(here), y1: TOP, y2: HEIGHT - BOTTOM }));
    }
    return svg;
  }

  table(column, cells, said) {
    const isShare = this.model.classes.length > 0;
    const head = isShare ? className(this.model, this.which.value) : this.model.target;
    const number = (v) => (isShare ? percent(v) : digits(v));
    const rows = said.map(({ y, spread }, i) => {
      const cell = typeof cells[i] === "number" ? digits(cells[i]) : cells[i];
      const about = this.model.num_networks > 1 ? ` ± ${number(spread)}` : "";
      return make("tr", {}, make("th", { scope: "row" }, cell), make("td", {}, number(y) + about));
    });
    const header = make("tr", {}, make("th", { scope: "col" }, column.name), make("th", { scope: "col" }, head));
    const table = make("table", {}, make("thead", {}, header), make("tbody", {}, ...rows));
    return make("div", { class: "scroll" }, table);
  }
}

function spaced({ low, high }) {
  return Array.from({ length: POINTS }, (_, i) => low + ((high - low) * i) / (POINTS - 1));
}

function padded(low, high) {
  const margin = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  return [low - margin, high + margin];
}
