// A file in, predictions out.

import { byId, dropPlace, make } from "./dom.js";
import { predictFile } from "./api.js";

const SHOWN = 5;
const ACCEPTED = { table: ".csv,.tsv,.txt,.parquet,.arrow,.jsonl,.arff,.gz,.zst", array: ".npy,.npz,.csv" };
let link = null;

export function offerFiles(model) {
  const accept = ACCEPTED[model.input];
  byId("files").hidden = !accept;
  if (!accept) return;
  const found = make("div", { "aria-live": "polite" });
  const told =
    model.input === "table"
      ? "Drop a CSV file here, or choose one: its columns are found by their names"
      : "Drop a .npy file of rows here, or choose one";
  const place = dropPlace(told, accept, (file) => take(model, file, found));
  byId("files-body").replaceChildren(place, found);
}

async function take(model, file, found) {
  found.replaceChildren(make("p", {}, `Predicting ${file.name}…`));
  try {
    const { csv, told, num_rows: count } = await predictFile(model, file);
    found.replaceChildren(...result(file, csv, told, count));
  } catch (error) {
    found.replaceChildren(make("p", { class: "trouble" }, error.message));
  }
}

function result(file, csv, told, count) {
  if (link) URL.revokeObjectURL(link);
  link = URL.createObjectURL(new Blob([csv], { type: "text/csv" }));
  const name = `${file.name.replace(/\..*$/, "")}-predictions.csv`;
  const lines = csv.trimEnd().split(/\r?\n/, SHOWN + 1);
  const preview = make("pre", { class: "scroll" }, lines.join("\n"));
  const rows = count === 1 ? "1 row" : `${count.toLocaleString("en")} rows`;
  return [
    make("p", {}, make("a", { href: link, download: name, id: "download" }, `Save ${name}`), ` (${rows})`),
    ...told.map((line) => make("p", { class: "trouble" }, line)),
    preview,
  ];
}
