// Which kinds a provider wants, and at which version the cluster serves them.
import { UnsupportedError } from '../errors.ts';
import type { Kube, ResourceKind } from '../kube/contract.ts';

/** A kind that a provider works with, with the versions it can speak, the best first. */
export interface KindWish {
  readonly group: string;
  readonly kind: string;
  readonly versions: readonly string[];
  /** Needed by some Canaries only. */
  readonly isOptional?: boolean;
}

/** What was found of the wishes. */
export interface KindLookup {
  readonly provider: string;
  readonly wishes: readonly KindWish[];
  readonly found: ReadonlyMap<string, ResourceKind>;
}

/** Asks the cluster for all kinds of a provider; the client remembers the answers. */
export async function findKinds(kube: Kube, provider: string, wishes: readonly KindWish[]): Promise<KindLookup> {
  const found = new Map<string, ResourceKind>();
  const answers = await Promise.all(
    wishes.map(({ group, kind, versions }) => kube.client.discover(group, kind, versions)),
  );
  for (const answer of answers) {
    if (answer !== null) found.set(answer.kind, answer);
  }
  return { provider, wishes, found };
}

/** The kind as served. Throws UnsupportedError CAPABILITY_KIND that says what the cluster lacks. */
export function needKind(lookup: KindLookup, kind: string): ResourceKind {
  const found = lookup.found.get(kind);
  if (found !== undefined) return found;
  const wish = lookup.wishes.find((candidate) => candidate.kind === kind);
  const served =
    wish === undefined ? kind : `${kind} of ${wish.versions.map((version) => `${wish.group}/${version}`).join(' or ')}`;
  const message = `Cannot use mesh provider "${lookup.provider}": the cluster does not serve ${served}, must have its CRD installed`;
  throw new UnsupportedError('CAPABILITY_KIND', message);
}
