// A table's form: a field a column, of its kind, with its range in training; empty is missing.

import { digits, make } from "./dom.js";

const DAY = 86_400_000;

export class Form {
  constructor(model, place, changed) {
    this.model = model;
    this.fields = model.columns.map((column, i) => new Field(column, `field-${i}`, changed));
    const fields = make("fieldset", { class: "fields" });
    fields.append(make("legend", { class: "unseen" }, "One row"), ...this.fields.map((f) => f.place));
    const told = make("p", { class: "soft" }, "An empty field is a missing value.");
    place.replaceChildren(make("form", { onsubmit: (e) => e.preventDefault() }, fields), told);
  }

  // A row by the names that requests go by.
  row(changes = {}) {
    const row = {};
    for (const field of this.fields) {
      const { name } = field.column;
      row[keyOf(this.model, field.column)] = name in changes ? changes[name] : field.value;
    }
    return row;
  }
}

// Many numbers share an input, and go by their own names.
function keyOf(model, column) {
  const shared = model.columns.filter((other) => other.input === column.input).length > 1;
  return shared ? column.name : column.input;
}

class Field {
  constructor(column, id, changed) {
    this.column = column;
    this.control = control(column, id);
    this.hint = make("span", { class: "hint", id: `${id}-hint` });
    const label = make("label", { for: id }, column.name);
    this.place = make("div", { class: "field" }, label, this.control, this.hint);
    const told = () => {
      this.tell();
      changed();
    };
    this.control.addEventListener(column.words.length ? "change" : "input", told);
    this.tell();
  }

  get value() {
    const text = this.control.value;
    if (text === "") return null;
    return this.column.kind === "number" ? Number(text) : text;
  }

  tell() {
    const { kind, low, high, may_be_missing: mayLack } = this.column;
    const value = kind === "date" ? daysOf(this.control.value) : this.value;
    const isNumber = kind === "number" || kind === "date";
    const isOutside = isNumber && value !== null && low !== null && (value < low || value > high);
    const isNew = value === null && !mayLack;
    this.place.classList.toggle("strange", isOutside || isNew);
    const range = isNumber && low !== null ? `${shown(kind, low)} to ${shown(kind, high)}` : "";
    if (isNew) this.hint.textContent = "was never missing in training";
    else if (isOutside) this.hint.textContent = `outside of training: ${range}`;
    else this.hint.textContent = range;
  }
}

function control(column, id) {
  const common = { id, "aria-describedby": `${id}-hint` };
  if (column.words.length) {
    const words = ["", ...column.words];
    const options = words.map((word) => make("option", { value: word }, word || "(missing)"));
    const select = make("select", common, ...options);
    select.value = column.words[0];
    return select;
  }
  if (column.kind === "number") {
    const value = column.low === null ? "" : middle(column);
    return make("input", { ...common, type: "number", step: "any", inputmode: "decimal", value });
  }
  if (column.kind === "date") {
    const value = column.low === null ? "" : dateOf((column.low + column.high) / 2);
    return make("input", { ...common, type: "date", value });
  }
  return make("input", { ...common, type: "text" });
}

function middle({ low, high }) {
  const isWhole = Number.isInteger(low) && Number.isInteger(high);
  const value = (low + high) / 2;
  if (isWhole) return Math.round(value);
  const short = Number(value.toPrecision(4));
  return short >= low && short <= high ? short : value;
}

// A date's range is in days since 1970.
export function dateOf(days) {
  return new Date(Math.round(days) * DAY).toISOString().slice(0, 10);
}

function daysOf(text) {
  return text === "" ? null : Date.parse(`${text}T00:00:00Z`) / DAY;
}

export function shown(kind, value) {
  return kind === "date" ? dateOf(value) : digits(value);
}

export function placeOf(field) {
  return field.column.kind === "date" ? daysOf(field.control.value) : field.value;
}
