import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import { singleton } from "./utils";

const MAX_MESSAGE = 4 * 1024;
/** RFC 6455: this end is going away, come again. */
const GOING_AWAY = 1001;
/** How long a client may take to say goodbye. */
const GOODBYE_MS = 2_000;

function close(client: WebSocket): void {
  client.close(GOING_AWAY, "stopping");
  setTimeout(() => client.terminate(), GOODBYE_MS).unref();
}

/** Sends `greeting` as the first message, and every message back. */
function greetAndEcho(client: WebSocket, greeting: string): void {
  client.on("error", () => client.terminate());
  client.on("message", (data, binary) => client.send(data, { binary }));
  client.send(greeting);
}

/**
 * Takes the WebSockets that start.cjs passes on from now on. When `stop` aborts, clients are told at once that the server
 * is going away: none waits for an answer, and the sooner they come again, the sooner they are on what serves now.
 */
export function serveLive(fields: object, stop: AbortSignal): void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE, perMessageDeflate: false });
  const greeting = JSON.stringify(fields);
  singleton("live", () => (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    sockets.handleUpgrade(request, socket, head, (client) => {
      greetAndEcho(client, greeting);
      if (stop.aborted) close(client);
    });
  });
  stop.addEventListener("abort", () => {
    for (const client of sockets.clients) if (client.readyState === WebSocket.OPEN) close(client);
  });
}
