// Compares resourceVersions of one kind: as integers, the longer is the newer (KEP-5504).

const isNumber = (version: string): boolean => /^[0-9]+$/.test(version);

/**
 * Negative, 0 or positive as `a` is older than, the same as or newer than `b`. An empty version is older than any. A
 * version that is no number (some aggregated API servers) has no order: it counts as newer than whatever it differs from.
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '') return -1;
  if (b === '' || !isNumber(a) || !isNumber(b)) return 1;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}

/** True when `candidate` is newer than `held`. */
export function isNewer(candidate: string, held: string): boolean {
  return compareVersions(candidate, held) > 0;
}

/** The newer of two versions. */
export function newerOf(a: string, b: string): string {
  return isNewer(a, b) ? a : b;
}
