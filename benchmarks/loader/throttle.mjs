// A TCP proxy that is a slow link: one bottleneck for all connections, a round trip, and TCP's slow start on each.
import { connect, createServer } from "node:net";

const TICK_MS = 5;
const FIRST_WINDOW_BYTES = 14_600; // ten segments, RFC 6928

/** Starts a proxy to `target` on 127.0.0.1; gives back its port and `close`. */
export async function openLink(target, { bitsPerSecond, roundTripMs }) {
  const queues = new Set();
  let budgetBytes = 0;
  const perTickBytes = (bitsPerSecond / 8 / 1000) * TICK_MS;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const ticks = (nowMs - lastMs) / TICK_MS; // timers are late on a busy machine; the link must not be slower for it
    lastMs = nowMs;
    budgetBytes = Math.min(budgetBytes + perTickBytes * ticks, perTickBytes * Math.max(4, ticks));
    budgetBytes = share(queues, budgetBytes, nowMs);
  }, TICK_MS);
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect(target, "127.0.0.1");
    const queue = {
      pieces: [],
      sentInRound: 0,
      windowBytes: FIRST_WINDOW_BYTES,
      roundMs: performance.now(),
      client,
      roundTripMs,
    };
    queues.add(queue);
    // A new connection costs one round trip before its first byte, and every request half of one.
    const openedMs = performance.now() + roundTripMs;
    client.on("data", (data) => {
      const delayMs = Math.max(openedMs - performance.now(), 0) + roundTripMs / 2;
      setTimeout(() => upstream.writable && upstream.write(data), delayMs);
    });
    upstream.on("data", (data) => {
      queue.pieces.push({ data, readyMs: performance.now() + roundTripMs / 2 });
      queue.waiting = (queue.waiting ?? 0) + data.length;
      if (queue.waiting > 4e6) upstream.pause();
      queue.upstream = upstream;
    });
    const end = () => {
      queues.delete(queue);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on("error", end);
    client.on("close", end);
    upstream.on("end", () => {
      queue.ended = true;
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: server.address().port,
    close: () => {
      clearInterval(timer);
      for (const { client } of queues) client.destroy();
      server.close();
    },
  };
}

// Gives each connection in turn what its window and the link allow; what is left of the budget.
function share(queues, given, nowMs) {
  let budgetBytes = given;
  for (let progressed = true; progressed && budgetBytes >= 1; ) {
    progressed = false;
    for (const queue of queues) {
      const sent = sendSome(queue, Math.min(budgetBytes, 1460 * 4), nowMs);
      budgetBytes -= sent;
      progressed ||= sent > 0;
    }
  }
  return budgetBytes;
}

function sendSome(queue, most, nowMs) {
  const [first] = queue.pieces;
  if (!first) {
    if (queue.ended) queue.client.end();
    return 0;
  }
  if (first.readyMs > nowMs || most < 1) return 0;
  if (nowMs - queue.roundMs >= queue.roundTripMs) {
    // A round that used its window doubles it; TCP forgets none of it while it is in use.
    if (queue.sentInRound >= queue.windowBytes) queue.windowBytes *= 2;
    queue.sentInRound = 0;
    queue.roundMs = nowMs;
  }
  const size = Math.floor(Math.min(most, queue.windowBytes - queue.sentInRound, first.data.length));
  if (size <= 0) return 0;
  queue.client.write(first.data.subarray(0, size));
  if (size === first.data.length) queue.pieces.shift();
  else first.data = first.data.subarray(size);
  queue.sentInRound += size;
  queue.waiting -= size;
  if (queue.waiting < 2e6) queue.upstream.resume();
  return size;
}
