import type { Place } from "@/types/order";

const [WIDTH, HEIGHT, EDGE] = [320, 200, 24];
/** What is drawn at the least, in degrees: some 200 m. */
const LEAST = 0.002;

/** Places on the paper: north is up, and a kilometre is as long to the east as to the north. */
function drawn(way: Place[]): [number, number][] {
  const middle = way.at(-1)?.latitude ?? 0;
  const shrink = Math.cos((middle * Math.PI) / 180);
  const flat = way.map(({ latitude, longitude }) => [longitude * shrink, -latitude] as const);
  const [xs, ys] = [flat.map(([x]) => x), flat.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [wide, high] = [Math.max(LEAST, Math.max(...xs) - left), Math.max(LEAST, Math.max(...ys) - top)];
  const scale = Math.min((WIDTH - 2 * EDGE) / wide, (HEIGHT - 2 * EDGE) / high);
  return flat.map(([x, y]) => [EDGE + (x - left) * scale, EDGE + (y - top) * scale]);
}

/** The way of a courier as a drawing, without a map: nobody else is told where he is. */
export function Way({ way, label }: { way: Place[]; label: string }) {
  const points = drawn(way);
  const [x, y] = points.at(-1) ?? [WIDTH / 2, HEIGHT / 2];
  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={label}
      className="w-full rounded-lg border bg-muted"
    >
      <polyline
        points={points.map((point) => point.join(",")).join(" ")}
        className="fill-none stroke-2 stroke-primary opacity-60"
        strokeLinejoin="round"
      />
      {points.length > 0 && (
        <circle cx={x} cy={y} r={8} className="fill-primary stroke-2 stroke-background" />
      )}
    </svg>
  );
}
