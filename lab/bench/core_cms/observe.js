/** Before anything of a page runs: keeps what the browser notices of its paints and its main thread. */
(() => {
  const seen = { paints: {}, largest: null, tasks: [] };
  window.__codebSeen = seen;
  const watch = (type, each) =>
    new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true });
  watch("paint", ({ name, startTime }) => {
    seen.paints[name] = startTime;
  });
  watch("largest-contentful-paint", ({ startTime, size, element }) => {
    seen.largest = { at: startTime, size, what: element?.tagName ?? null };
  });
  watch("longtask", ({ startTime, duration }) => seen.tasks.push({ began: startTime, ms: duration }));
})();
