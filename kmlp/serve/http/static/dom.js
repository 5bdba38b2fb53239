// Elements in a line each; what is text stays text.

export const byId = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  return filled(element, attributes, children);
}

export function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  return filled(element, attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

// Digits enough to tell values apart, no more.
export function digits(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-4)) return value.toExponential(3);
  return String(Number(value.toPrecision(size >= 1000 ? 6 : 4)));
}

// A place where a file is dropped or chosen.
export function dropPlace(told, accept, take) {
  const input = make("input", { type: "file", accept, "aria-label": told });
  const place = make("div", { class: "drop" }, make("span", { class: "soft" }, told), input);
  input.addEventListener("change", () => {
    if (input.files.length) take(input.files[0]);
    input.value = "";
  });
  acceptDrops(place, take);
  return place;
}

export function acceptDrops(place, take) {
  const mark = (is) => (event) => {
    event.preventDefault();
    place.classList.toggle("over", is);
  };
  place.addEventListener("dragover", mark(true));
  place.addEventListener("dragleave", mark(false));
  place.addEventListener("drop", (event) => {
    mark(false)(event);
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
}
