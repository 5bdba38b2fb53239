// Images: drawn with a pointer or with the keyboard, or dropped in; pixels as the model takes them.

import { acceptDrops, dropPlace, make } from "./dom.js";
import { noAnswer } from "./answer.js";

const SIZE = 280;
const PEN = 26;
const STEP = 8;
const BOX = 20 / 28; // of MNIST's digits, which lie round their centre of mass
const BACKGROUND = 127;

export class Drawing {
  constructor(model, place, changed) {
    const [height, width, channels = 1] = model.shape;
    Object.assign(this, { height, width, channels, isFlat: model.shape.length === 2, changed });
    this.pen = { x: SIZE / 2, y: SIZE / 2, isDown: false, isSeen: false };
    this.build(place);
    this.clear();
  }

  build(place) {
    this.pad = make("canvas", {
      id: "pad",
      width: SIZE,
      height: SIZE,
      tabindex: 0,
      role: "application",
      "aria-label":
        "Drawing area. Draw with a pointer; or the arrow keys move the pen, Space puts it down " +
        "and lifts it, Delete clears.",
    });
    this.seen = make("canvas", { width: this.width, height: this.height, "aria-hidden": "true" });
    this.centred = make("input", { type: "checkbox", checked: true, onchange: () => this.tell() });
    this.inverted = make("input", { type: "checkbox", onchange: () => this.tell() });
    const clear = make("button", { type: "button", onclick: () => this.clear() }, "Clear");
    place.replaceChildren(
      this.pad,
      make(
        "div",
        { class: "row" },
        clear,
        make("label", {}, this.centred, "centre it, as MNIST's digits are"),
        make("label", {}, this.inverted, "invert: dark on light"),
      ),
      make("div", { class: "seen" }, this.seen, make("span", { class: "soft" }, "what the network sees")),
      make("p"),
      dropPlace("Or an image: drop it here, or choose one", "image/*", (file) => this.load(file)),
    );
    this.listen();
  }

  listen() {
    const pad = this.pad;
    pad.addEventListener("pointerdown", (event) => {
      this.pen.isSeen = false;
      pad.setPointerCapture(event.pointerId);
      this.move(event, false);
    });
    pad.addEventListener("pointermove", (event) => {
      if (!event.buttons) return;
      for (const each of event.getCoalescedEvents?.() ?? [event]) this.move(each, true);
    });
    pad.addEventListener("keydown", (event) => this.key(event));
    acceptDrops(pad, (file) => this.load(file));
  }

  move(event, isStroke) {
    const box = this.pad.getBoundingClientRect();
    const x = ((event.clientX - box.left) * SIZE) / box.width;
    const y = ((event.clientY - box.top) * SIZE) / box.height;
    this.stroke(x, y, isStroke);
  }

  key(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[event.key];
    if (way) {
      const x = Math.min(SIZE, Math.max(0, this.pen.x + STEP * way[0]));
      const y = Math.min(SIZE, Math.max(0, this.pen.y + STEP * way[1]));
      if (this.pen.isDown) this.stroke(x, y, true);
      else Object.assign(this.pen, { x, y });
    } else if (event.key === " ") {
      this.pen.isDown = !this.pen.isDown;
      if (this.pen.isDown) this.stroke(this.pen.x, this.pen.y, false);
    } else if (event.key === "Delete" || event.key === "Backspace") this.clear();
    else return;
    event.preventDefault();
    this.pen.isSeen = true;
    this.show();
  }

  stroke(x, y, fromPen) {
    if (this.image) this.clear();
    const ink = this.ink.getContext("2d");
    ink.strokeStyle = "#fff";
    ink.lineWidth = PEN;
    ink.lineCap = ink.lineJoin = "round";
    ink.beginPath();
    ink.moveTo(fromPen ? this.pen.x : x, fromPen ? this.pen.y : y);
    ink.lineTo(x, y);
    ink.stroke();
    Object.assign(this.pen, { x, y });
    this.isEmpty = false;
    this.tell();
  }

  clear() {
    this.image = null;
    this.isEmpty = true;
    this.inverted.checked = false;
    this.ink = make("canvas", { width: SIZE, height: SIZE });
    const ink = this.ink.getContext("2d", { willReadFrequently: true });
    ink.fillStyle = "#000";
    ink.fillRect(0, 0, SIZE, SIZE);
    this.pen.isDown = false;
    this.tell();
  }

  async load(file) {
    let image;
    try {
      image = await createImageBitmap(file);
    } catch {
      noAnswer(`${file.name} is no image that this browser reads.`);
      return;
    }
    this.clear();
    this.image = image;
    const ink = this.ink.getContext("2d");
    ink.fillStyle = "#fff"; // beneath what is transparent
    ink.fillRect(0, 0, SIZE, SIZE);
    ink.drawImage(image, 0, 0, SIZE, SIZE);
    this.inverted.checked = isLight(ink);
    this.isEmpty = false;
    this.tell();
  }

  // The pad as it is drawn, with the keyboard's pen.
  show() {
    const pad = this.pad.getContext("2d");
    pad.drawImage(this.ink, 0, 0);
    if (this.isEmpty) {
      pad.fillStyle = "#9aa3ab";
      pad.font = "17px system-ui, sans-serif";
      pad.textAlign = "center";
      pad.fillText("draw here, light on dark", SIZE / 2, SIZE / 2 - 30);
    }
    if (this.pen.isSeen) {
      pad.strokeStyle = this.pen.isDown ? "#43bb9d" : "#9aa3ab";
      pad.lineWidth = 2;
      pad.beginPath();
      pad.arc(this.pen.x, this.pen.y, PEN / 2, 0, 2 * Math.PI);
      pad.stroke();
    }
  }

  tell() {
    this.show();
    const seen = this.seen.getContext("2d", { willReadFrequently: true });
    seen.imageSmoothingQuality = "high";
    seen.fillStyle = "#000";
    seen.fillRect(0, 0, this.width, this.height);
    const isCentred = !this.image && this.centred.checked && !this.isEmpty;
    const [x, y, w, h] = isCentred ? this.centredBox() : [0, 0, this.width, this.height];
    const [sx, sy, sw, sh] = isCentred ? this.box : [0, 0, SIZE, SIZE];
    if (this.inverted.checked) seen.filter = "invert(1)";
    seen.drawImage(this.ink, sx, sy, sw, sh, x, y, w, h);
    seen.filter = "none";
    if (this.isEmpty) noAnswer("Draw something, or drop an image in.");
    else this.changed(this.pixels(seen));
  }

  // Where the ink's box goes so that its centre of mass is the image's centre.
  centredBox() {
    const { data } = this.ink.getContext("2d").getImageData(0, 0, SIZE, SIZE);
    let [left, top, right, bottom, mass, sumX, sumY] = [SIZE, SIZE, 0, 0, 0, 0, 0];
    for (let y = 0, i = 0; y < SIZE; y++) {
      for (let x = 0; x < SIZE; x++, i += 4) {
        const value = data[i];
        if (!value) continue;
        [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
        [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
        mass += value;
        sumX += value * (x + 0.5);
        sumY += value * (y + 0.5);
      }
    }
    const [w, h] = [right - left, bottom - top];
    this.box = [left, top, w, h];
    const scale = (BOX * Math.min(this.width, this.height)) / Math.max(w, h);
    const x = this.width / 2 - (sumX / mass - left) * scale;
    const y = this.height / 2 - (sumY / mass - top) * scale;
    return [x, y, w * scale, h * scale];
  }

  pixels(seen) {
    const { data } = seen.getImageData(0, 0, this.width, this.height);
    const value = (i) => {
      if (this.channels === 3) return [data[i], data[i + 1], data[i + 2]];
      const grey = Math.round(0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]);
      return this.isFlat ? grey : [grey];
    };
    const rows = [];
    for (let y = 0; y < this.height; y++) {
      const row = [];
      for (let x = 0; x < this.width; x++) row.push(value(4 * (y * this.width + x)));
      rows.push(row);
    }
    return rows;
  }
}

// Whether an image's edge is light: ink on paper.
function isLight(ink) {
  const { data } = ink.getImageData(0, 0, SIZE, 4);
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += data[i];
  return sum / (data.length / 4) > BACKGROUND;
}
