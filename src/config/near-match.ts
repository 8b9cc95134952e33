// The known name that somebody may have meant.

/** The known name closest to `name`, when it is close enough to be a slip; null otherwise. */
export function nearMatch(name: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(name.length / 4)) + 1;
  for (const one of known) {
    const distance = distanceOf(name.slice(0, 64), one);
    if (distance < bestDistance) [best, bestDistance] = [one, distance];
  }
  return best;
}

/** Levenshtein's distance: letters to insert, drop or change. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
