/** An endless body of server-sent `tick` events: one at once, then one every `everyMs`, until `stop` or its reader leaves. */
export function tickStream(fields: object, stop: AbortSignal, everyMs = 1_000): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const left = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let count = 0;
  return new ReadableStream({
    start(controller) {
      const tick = () => {
        count += 1;
        const data = JSON.stringify({ count, ...fields });
        controller.enqueue(encoder.encode(`event: tick\ndata: ${data}\n\n`));
      };
      const end = () => {
        clearInterval(timer);
        controller.close();
      };
      controller.enqueue(encoder.encode("retry: 1000\n\n"));
      tick();
      if (stop.aborted) return end();
      timer = setInterval(tick, everyMs);
      stop.addEventListener("abort", end, { once: true, signal: left.signal });
    },
    cancel() {
      clearInterval(timer);
      left.abort();
    },
  });
}
