// Finds a mesh provider by its name or by one of Flagger's names for it.
import { InvalidSpecError } from '../errors.ts';
import type { MeshProvider } from './contract.ts';
import { MESH_PROVIDERS } from './registry.gen.ts';

/** Names of Flagger's that come later. A trailing `*` accepts any suffix. */
const LATER: readonly string[] = [
  'apisix',
  'contour',
  'gloo*',
  'knative',
  'kuma',
  'linkerd',
  'nginx',
  'skipper',
  'smi:v1alpha1*',
  'smi:v1alpha3*',
  'traefik',
];

/** Every name that findMeshProvider knows, sorted; a trailing `*` accepts any suffix. */
export const KNOWN_MESH_NAMES: readonly string[] = MESH_PROVIDERS.flatMap(({ name, aliases }) => [
  name,
  ...aliases,
]).sort();

function fits(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** The provider of this name. Throws InvalidSpecError SPEC_PROVIDER for a name that is unknown, or whose provider comes later. */
export function findMeshProvider(name: string): MeshProvider {
  const found = MESH_PROVIDERS.find((provider) =>
    [provider.name, ...provider.aliases].some((pattern) => fits(pattern, name)),
  );
  if (found !== undefined) return found;
  const known = `must be one of ${KNOWN_MESH_NAMES.join(', ')}`;
  const why = LATER.some((pattern) => fits(pattern, name)) ? 'comes later' : 'is unknown';
  throw new InvalidSpecError(
    'SPEC_PROVIDER',
    'spec.provider',
    `Cannot use mesh provider "${name}": it ${why}, ${known}`,
  );
}
