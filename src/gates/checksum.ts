// The checksum that hooks receive: it changes when the analysed revision or its tracked configs change, as Flagger's does.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../util/json.ts';

/**
 * Sixteen hexadecimal digits over the tracked configs (name to digest) and the digest of the applied spec. The same
 * input gives the same text for ever; the text differs from Flagger's, which hashes Go structures. Receivers may only
 * compare it with itself.
 */
export function computeHookChecksum(trackedConfigs: Readonly<Record<string, string>>, lastAppliedSpec: string): string {
  return createHash('sha256').update(canonicalJson({ lastAppliedSpec, trackedConfigs })).digest('hex').slice(0, 16);
}
