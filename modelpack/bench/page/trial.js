// One real run of a variant, in a worker: what blocks it for too long is ended from here.
import { adapter } from "/bench/adapter.js";

/** What became of it: `stage` is where it ended, "done" if it ran. */
function tryOut(request) {
  const worker = new Worker("/bench/trial-worker.js", { type: "module", name: "modelpack" });
  let timer;
  const answered = new Promise((resolve) => {
    const ended = (stage, message) => resolve({ stage, message, nodes: [] });
    timer = setTimeout(() => ended("late", ""), request.limitMs);
    worker.addEventListener("message", ({ data }) => resolve(data));
    worker.addEventListener("error", ({ message }) => ended("page", `${message}`));
    worker.postMessage(request);
  });
  return answered.finally(() => {
    clearTimeout(timer);
    worker.terminate();
  });
}

/** What of the browser decides what can run in it. */
async function abilities() {
  return { adapter: await adapter(), webnn: "ml" in navigator };
}

globalThis.trial = { tryOut, abilities };
