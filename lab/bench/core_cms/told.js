/** What was seen until now, in milliseconds since the navigation began; `origin` is that moment in those since 1970. */
() => {
  const [navigation] = performance.getEntriesByType("navigation");
  return {
    ...window.__codebSeen,
    now: performance.now(),
    origin: performance.timeOrigin,
    parsed: navigation.domContentLoadedEventEnd,
  };
};
