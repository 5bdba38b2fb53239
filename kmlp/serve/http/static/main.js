// The page: which model, what goes in, what it says.

import { Along } from "./along.js";
import { allModels, keepToken, oneAtATime, predict } from "./api.js";
import { Drawing } from "./drawing.js";
import { noAnswer, showAnswer } from "./answer.js";
import { byId } from "./dom.js";
import { Form } from "./form.js";
import { offerFiles } from "./file.js";

let chosen = null;

function trouble(error) {
  if (error.status === 401) {
    byId("token").hidden = false;
    byId("title").textContent = "Whoever asks sends a token";
    return;
  }
  byId("trouble").textContent = error.message;
  byId("trouble").hidden = false;
}

function factsOf(model) {
  const networks = model.num_networks === 1 ? "one network" : `${model.num_networks} networks`;
  const facts = [`version ${model.version}`, networks];
  if (model.variant) facts.push(model.variant);
  if (model.trained_on) facts.push(`trained on ${model.trained_on}`);
  return facts.join(" · ");
}

// Asks for one row; what a model that was left meanwhile says is not shown.
function asking(model) {
  return oneAtATime(async (row) => {
    try {
      const [said] = await predict(model, [row]);
      if (model !== chosen) return;
      byId("trouble").hidden = true;
      showAnswer(model, said);
    } catch (error) {
      noAnswer("");
      trouble(error);
    }
  });
}

function choose(model) {
  chosen = model;
  byId("trouble").hidden = true;
  byId("title").textContent = model.name;
  document.title = `${model.name} – kmlp serve`;
  byId("facts").textContent = factsOf(model);
  byId("ask").hidden = model.input === "array";
  byId("along").hidden = true;
  offerFiles(model);
  const ask = asking(model);
  const place = byId("input-body");
  if (model.input === "image") {
    byId("input-title").textContent = "Image";
    new Drawing(model, place, ask);
  } else if (model.input === "table") {
    byId("input-title").textContent = "Row";
    const changed = () => {
      ask(form.row());
      along.draw();
    };
    const form = new Form(model, place, changed);
    const along = new Along(model, form, trouble);
    changed();
  }
}

async function start() {
  let models;
  try {
    models = await allModels();
  } catch (error) {
    trouble(error);
    return;
  }
  byId("token").hidden = true;
  const select = byId("model");
  select.replaceChildren(...models.map((model, i) => new Option(model.name, i)));
  byId("picker").hidden = models.length < 2;
  select.addEventListener("change", () => choose(models[select.value]));
  const asked = decodeURIComponent(location.hash.slice(1));
  const first = Math.max(0, models.findIndex((model) => model.name === asked));
  select.value = first;
  choose(models[first]);
}

byId("token").addEventListener("submit", (event) => {
  event.preventDefault();
  keepToken(byId("token-text").value);
  start();
});
start();
