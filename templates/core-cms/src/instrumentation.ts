/** Next.js runs this once in each server process, and holds requests back until it is done. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === "nodejs") {
    const { start } = await import("./lib/start");
    await start();
  }
}
