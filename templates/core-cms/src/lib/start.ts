import { config } from "./app";
import { currentHealth } from "./health";
import { handleSignals } from "./lifecycle";
import { log } from "./log";
import { measureRequests } from "./metrics";
import { messageOf } from "./process";
import { trace } from "./tracing";

/** Makes the app ready to serve, or ends the process with status 1 and a line that says why. */
export async function start(): Promise<void> {
  try {
    const { version, colour, dataset } = config();
    handleSignals();
    measureRequests();
    const traced = await trace(process.env);
    // Opens the first connections, which cost more than a check may take on a busy machine.
    const { status } = await currentHealth();
    const start_ms = Math.round(process.uptime() * 1000);
    log.info("ready", { version, colour, dataset, traced, status, start_ms });
  } catch (error) {
    log.error("could not start", { cause: messageOf(error) });
    process.exit(1);
  }
}
