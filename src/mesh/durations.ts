// Durations as people write them (Go's notation, such as `1m30s` or `250ms`) and as the mesh APIs want them.

const UNITS_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 0.000_001,
};
const PART = /^(\d+(?:\.\d*)?|\.\d+)(h|ms|us|µs|ns|m|s)/;

/** Milliseconds of a duration in Go's notation (`time.ParseDuration`, without a sign), rounded; null when it is none. */
export function parseDurationMs(text: string): number | null {
  let rest = text;
  let sumMs = 0;
  while (rest !== '') {
    const part = PART.exec(rest);
    if (part === null) return null;
    sumMs += Number(part[1]) * UNITS_MS[part[2]!]!;
    rest = rest.slice(part[0].length);
  }
  return text === '' || !Number.isFinite(sumMs) ? null : Math.round(sumMs);
}

/** The duration as Gateway API spells it (GEP-2257: up to four parts of at most five digits in h, m, s and ms); null when it is none or too long. */
export function gatewayDuration(text: string): string | null {
  if (/^([0-9]{1,5}(h|m|s|ms)){1,4}$/.test(text)) return text;
  let restMs = parseDurationMs(text);
  if (restMs === null || restMs >= 100_000 * UNITS_MS['h']!) return null;
  let spelt = '';
  for (const unit of ['h', 'm', 's', 'ms'] as const) {
    const count = Math.floor(restMs / UNITS_MS[unit]!);
    restMs -= count * UNITS_MS[unit]!;
    if (count > 0) spelt += `${count}${unit}`;
  }
  return spelt === '' ? '0s' : spelt;
}
