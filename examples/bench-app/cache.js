/** Redis by its own protocol, as little of it as a health check needs: log in, choose the index, PING. */
import { connect } from "node:net";
import { within } from "./within.js";

const PING_MS = 250;

const encoded = (words) => `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;

/** A connection that has logged in once `ready` resolves. Every reply that is asked for here is one line. */
class Connection {
  ended = false;
  #waiting = [];
  #rest = "";

  constructor({ REDIS_HOST, REDIS_PORT, REDIS_DB, REDIS_USERNAME, REDIS_PASSWORD }) {
    this.socket = connect(Number(REDIS_PORT), REDIS_HOST).setEncoding("utf8");
    this.socket.on("data", (text) => this.#read(text));
    this.socket.on("error", (error) => this.#end(error)).on("close", () => this.#end(new Error("Redis hung up")));
    this.ready = Promise.all([this.ask("AUTH", REDIS_USERNAME, REDIS_PASSWORD), this.ask("SELECT", REDIS_DB)]);
  }

  ask(...words) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.socket.write(encoded(words));
    });
  }

  #read(text) {
    const lines = (this.#rest + text).split("\r\n");
    this.#rest = lines.pop();
    for (const line of lines) {
      const { resolve, reject } = this.#waiting.shift();
      if (line.startsWith("-")) reject(new Error(line.slice(1)));
      else resolve(line);
    }
  }

  #end(error) {
    this.ended = true;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** The cache that the environment names, or null. `ping` rejects when it does not answer in time, and connects anew then. */
export function cacheOf(env) {
  if (!env.REDIS_HOST) return null;
  let held = null;
  const close = () => {
    held?.socket.destroy();
    held = null;
  };
  async function ping() {
    if (!held || held.ended) held = new Connection(env);
    try {
      await within(PING_MS, "Redis", Promise.all([held.ready, held.ask("PING")]));
    } catch (error) {
      close();
      throw error;
    }
  }
  return { ping, close };
}
