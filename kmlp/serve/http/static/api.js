// The server's answers, and its refusals as errors that can be read.

const TOKEN = "kmlp-token";

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function keepToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

async function ask(path, options = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch {
    throw new Refusal(0, "The server does not answer. Is it still running?");
  }
  const said = await response.json();
  if (!response.ok) throw new Refusal(response.status, said.error);
  return said;
}

export async function allModels() {
  return (await ask("/page/models")).models;
}

// The server's word for what is no number: null.
function isLost(said) {
  return said === null || said.label === null || said.prediction === null;
}

// Rows in, one answer a row: an object of outputs, whatever their number.
export async function predict(model, instances) {
  const path = `/v1/models/${encodeURIComponent(model.name)}:predict`;
  const body = JSON.stringify({ instances });
  const { predictions } = await ask(path, { method: "POST", body });
  if (predictions.some(isLost)) {
    throw new Error("Some values are so far from those of training that the network's overflow.");
  }
  const only = model.outputs.length === 1 ? model.outputs[0] : null;
  return only ? predictions.map((value) => ({ [only]: value })) : predictions;
}

export function predictFile(model, file) {
  const query = new URLSearchParams({ name: file.name });
  const path = `/page/models/${encodeURIComponent(model.name)}/file?${query}`;
  return ask(path, { method: "POST", body: file });
}

// Calls that come while one is under way become one more call, with what was said last.
export function oneAtATime(call) {
  let running = false;
  let next = null;
  return async function run(...values) {
    next = values;
    if (running) return;
    running = true;
    try {
      while (next) {
        const now = next;
        next = null;
        await call(...now);
      }
    } finally {
      running = false;
    }
  };
}
