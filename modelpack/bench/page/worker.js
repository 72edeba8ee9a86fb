// The loader's own worker, with its heap watched.
import { heapBytes } from "/bench/heap.js";

const channel = new BroadcastChannel("modelpack-heap");
channel.addEventListener("message", ({ data }) => data === "size" && channel.postMessage(heapBytes()));
await import("/loader/worker.js");
