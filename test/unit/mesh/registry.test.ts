// The names of mesh providers: Flagger's are understood, unknown ones are answered with those that are known.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InvalidSpecError } from '../../../src/errors.ts';
import { findMeshProvider, KNOWN_MESH_NAMES } from '../../../src/mesh/registry.ts';
import { MESH_PROVIDERS } from '../../../src/mesh/registry.gen.ts';

const FOLDER = new URL('../../../src/mesh/', import.meta.url);

describe('mesh registry', () => {
  it.each([
    ['istio', 'istio'],
    ['kubernetes', 'kubernetes'],
    ['gateway-api', 'gateway-api'],
    ['gatewayapi:v1', 'gateway-api'],
    ['gatewayapi:v1beta1', 'gateway-api'],
    ['smi', 'smi'],
    ['smi:v1alpha2', 'smi'],
    ['smi:v1alpha2:istio', 'smi'],
    ['osm', 'smi'],
    ['appmesh', 'appmesh-v1beta1'],
    ['appmesh:v1beta1', 'appmesh-v1beta1'],
    ['appmesh:v1beta2', 'appmesh-v1beta2'],
    ['appmesh-v1beta2', 'appmesh-v1beta2'],
  ])('understands %s as %s', (name, provider) => {
    expect(findMeshProvider(name).name).toBe(provider);
  });

  it.each([
    'linkerd',
    'contour',
    'gloo',
    'gloo:v1',
    'nginx',
    'skipper',
    'traefik',
    'kuma',
    'apisix',
    'knative',
    'smi:v1alpha1',
    'smi:v1alpha3:x',
  ])('says that %s comes later', (name) => {
    expect(() => findMeshProvider(name)).toThrow(
      `Cannot use mesh provider "${name}": it comes later, must be one of appmesh, `,
    );
  });

  it.each(['', 'Istio', 'istio2', 'gatewayapi', 'appmesh:v1', 'toString'])(
    'refuses %j and lists what is known',
    (name) => {
      const refusal = (): unknown => findMeshProvider(name);
      expect(refusal).toThrow(InvalidSpecError);
      expect(refusal).toThrow(/is unknown, must be one of .*gateway-api.*istio.*smi:v1alpha2\*/);
    },
  );

  it('holds every provider of the folder, and no name twice', () => {
    const files = readdirSync(FOLDER).filter((file) =>
      readFileSync(new URL(file, FOLDER), 'utf8').includes('export const meshProvider'),
    );
    expect(MESH_PROVIDERS.map(({ name }) => `${name}.ts`)).toEqual(files.sort());
    expect(new Set(KNOWN_MESH_NAMES).size).toBe(KNOWN_MESH_NAMES.length);
  });
});
