/** Limits on how long something may take. */
import { setTimeout as sleep } from "node:timers/promises";

/** What `work` gives, or an error that names `what` once `ms` milliseconds have passed. */
export function within(ms, what, work) {
  const late = sleep(ms, undefined, { ref: false }).then(() => {
    throw new Error(`${what}: no end after ${ms} ms`);
  });
  return Promise.race([work, late]);
}

/** Tries until it works; what is not up yet after `ms` milliseconds is an error. */
export async function retried(ms, attempt) {
  const deadline = Date.now() + ms;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(500);
    }
  }
}
