// Times as text: RFC 3339 in and out. Reads no clock.

/** `2026-11-24T10:00:00Z`: the form of Kubernetes' own times, whole seconds. */
export function rfc3339(timeMs: number): string {
  return new Date(Math.floor(timeMs / 1_000) * 1_000).toISOString().replace('.000Z', 'Z');
}

/** Milliseconds since the epoch; NaN for what is no time. */
export function timeOf(text: string): number {
  return Date.parse(text);
}
