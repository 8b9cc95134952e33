// Text for terminals: tables, bars and ages, without colour and without moving the cursor.

/** Columns of equal width, three spaces apart, as kubectl prints them. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** A bar of 20 cells. */
export function barText(percent: number, hasUnicode: boolean): string {
  const full = Math.round(Math.min(Math.max(percent, 0), 100) / 5);
  return hasUnicode ? `▕${'█'.repeat(full)}${'░'.repeat(20 - full)}▏` : `[${'#'.repeat(full)}${'.'.repeat(20 - full)}]`;
}

/** An age as kubectl writes it: the two largest units at most, such as `5d`, `3h12m`, `42s`. */
export function ageText(ageMs: number): string {
  const seconds = Math.max(Math.floor(ageMs / 1_000), 0);
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}

/** True where the environment says that text is UTF-8. */
export function hasUnicode(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((text) => text !== undefined && text !== '') ?? '';
  return /utf-?8/i.test(locale);
}

/** Text of others, made safe for a terminal: control characters could move the cursor or forge lines. */
export function plainText(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
}
