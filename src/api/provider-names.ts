// The names of mesh providers: those that are served, Flagger's names for them, and Flagger's names that come later.
import { SERVED_PROVIDERS } from './provider-names.gen.ts';

/** The values that Flagger's CRD allows for spec.provider. */
const FLAGGER_NAMES = [
  'apisix',
  'appmesh',
  'appmesh:v1beta2',
  'contour',
  'gatewayapi:v1',
  'gatewayapi:v1beta1',
  'gloo',
  'istio',
  'knative',
  'kubernetes',
  'kuma',
  'linkerd',
  'nginx',
  'osm',
  'skipper',
  'smi:v1alpha1',
  'smi:v1alpha2',
  'smi:v1alpha3',
  'traefik',
] as const;

/** A served provider. An alias that ends in `*` accepts any suffix. */
export interface ServedProvider {
  readonly name: string;
  readonly aliases: readonly string[];
}

/** What a provider's name stands for. */
export type ResolvedProvider =
  | { readonly kind: 'served'; readonly name: string }
  /** One of Flagger's, not served yet. */
  | { readonly kind: 'later' }
  | { readonly kind: 'unknown' };

/** Says what `name` stands for: our name, one of Flagger's for it, one that comes later, or nothing. */
export function resolveProvider(name: string, served: readonly ServedProvider[] = SERVED_PROVIDERS): ResolvedProvider {
  const found = served.find(
    (provider) => provider.name === name || provider.aliases.some((alias) => matchesAlias(alias, name)),
  );
  if (found !== undefined) return { kind: 'served', name: found.name };
  return FLAGGER_NAMES.some((known) => known === name) ? { kind: 'later' } : { kind: 'unknown' };
}

function matchesAlias(alias: string, name: string): boolean {
  return alias.endsWith('*') ? name.startsWith(alias.slice(0, -1)) : alias === name;
}

/** Our names of the served providers. */
export const SERVED_PROVIDER_NAMES: readonly string[] = SERVED_PROVIDERS.map((provider) => provider.name);

/** The enum of serin.dev: our names, and those of Flagger's that mean a served provider. */
export const OWN_PROVIDER_NAMES: readonly string[] = sorted([
  ...SERVED_PROVIDER_NAMES,
  ...FLAGGER_NAMES.filter((name) => resolveProvider(name).kind === 'served'),
]);

/** The enum of flagger.app: all of Flagger's names, and ours. Those that come later are refused by a condition. */
export const FLAGGER_PROVIDER_NAMES: readonly string[] = sorted([...FLAGGER_NAMES, ...SERVED_PROVIDER_NAMES]);

function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}
