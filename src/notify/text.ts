// Small texts that sentences and sinks share: numbers and durations as Flagger prints them, cut texts, instants.

/** `text` in one line and at most `charactersMax` characters; what was cut is shown by `…`. */
export function cutText(text: string, charactersMax: number): string {
  const line = text.replace(/\s+/g, ' ').trim();
  let kept = '';
  let characters = 0;
  for (const character of line) {
    characters += 1;
    if (characters > charactersMax) return `${kept}…`;
    if (characters < charactersMax) kept += character;
  }
  return line;
}

/** `text` cut so that its UTF-8 form has at most `bytesMax` bytes, never within a character. */
export function cutBytes(text: string, bytesMax: number): string {
  if (Buffer.byteLength(text) <= bytesMax) return text;
  let bytes = Buffer.byteLength('…');
  let kept = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > bytesMax) break;
    kept += character;
  }
  return `${kept}…`;
}

/** A number with two decimals, as Go's `%.2f`; `?` for what is missing. */
export function formatFixed(value: number | undefined): string {
  return value === undefined ? '?' : value.toFixed(2);
}

/** A number in its shortest form, as Go's `%v`; `?` for what is missing. */
export function formatNumber(value: number | undefined): string {
  return value === undefined ? '?' : String(value);
}

/** Milliseconds as Go prints a time.Duration: `500ms`, `1.5s`, `1m30s`; whole nanoseconds at most. */
export function formatDuration(durationMs: number | undefined): string {
  if (durationMs === undefined) return '?';
  const sign = durationMs < 0 ? '-' : '';
  const nanoseconds = Math.round(Math.abs(durationMs) * 1e6);
  if (nanoseconds === 0) return '0s';
  if (nanoseconds < 1e3) return `${sign}${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${sign}${nanoseconds / 1e3}µs`;
  if (nanoseconds < 1e9) return `${sign}${nanoseconds / 1e6}ms`;
  const hours = Math.floor(nanoseconds / 3.6e12);
  const minutes = Math.floor((nanoseconds % 3.6e12) / 6e10);
  const seconds = (nanoseconds % 6e10) / 1e9;
  const minutesText = hours > 0 || minutes > 0 ? `${minutes}m` : '';
  return `${sign}${hours > 0 ? `${hours}h` : ''}${minutesText}${seconds}s`;
}

/** An instant as RFC 3339 with microseconds, the form of Kubernetes' MicroTime. */
export function formatMicroTime(atMs: number): string {
  // Formatting a given instant is no look at the clock.
  // oxlint-disable-next-line no-restricted-globals
  return new Date(atMs).toISOString().replace('Z', '000Z');
}

/** The text with Slack's three control characters made harmless, so that no text from outside can mention a channel. */
export function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
