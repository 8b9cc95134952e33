// Durations as Kubernetes users write them: Go's notation, such as 30s, 1m30s or 1h.

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A year: longer is a mistake, and Go's own limit is not far. */
const DURATION_MAX_MS = 366 * 24 * 3_600_000;

/** Milliseconds of `text`, or null when it is not a duration of at most a year. Go's time.ParseDuration, without signs. */
export function parseDurationMs(text: string): number | null {
  if (text === '0') return 0;
  if (!/^(\d{1,12}(\.\d{1,9})?(ns|us|µs|ms|s|m|h))+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * (UNITS_MS[unit ?? ''] ?? Number.NaN);
  }
  return total <= DURATION_MAX_MS ? total : null;
}

/** The shortest text of a duration, such as `90s` → `1m30s`. */
export function formatDurationMs(durationMs: number): string {
  if (durationMs === 0) return '0s';
  const parts: string[] = [];
  let rest = durationMs;
  for (const unit of ['h', 'm', 's', 'ms'] as const) {
    const size = UNITS_MS[unit] ?? 1;
    const count = unit === 'ms' ? rest : Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  return parts.join('');
}
