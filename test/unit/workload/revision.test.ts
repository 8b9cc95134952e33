// What changes a revision, and what does not.
import { describe, expect, it } from 'vitest';
import { digestConfig, digestOf, revisionOf } from '../../../src/workload/revision.ts';
import { projectConfigMap } from '../../../src/workload/projections.ts';
import type { JsonObject } from '../../../src/util/json.ts';
import { stored } from './little-kube.ts';

const template: JsonObject = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: 'shop/web:1', resources: {} }], terminationGracePeriodSeconds: 30 },
};

describe('revisionOf', () => {
  it('is one and the same for ever: a change of the algorithm must change its version', () => {
    expect(revisionOf(template, { 'configmap/settings': '00112233445566778' })).toBe('v1-96564f23134d7222');
  });

  it('does not depend on the order of keys, nor on members that are null', () => {
    const same: JsonObject = {
      spec: {
        terminationGracePeriodSeconds: 30,
        containers: [{ resources: {}, image: 'shop/web:1', name: 'web', command: null }],
      },
      metadata: { creationTimestamp: null, labels: { app: 'web' } },
    };
    expect(revisionOf(same, {})).toBe(revisionOf(template, {}));
  });

  it('depends on metadata, on members nobody knows, on the order of containers, and on configs', () => {
    const spec = template['spec'] as JsonObject;
    const revisions = [
      revisionOf(template, {}),
      revisionOf(template, { 'configmap/settings': 'a' }),
      revisionOf(template, { 'configmap/settings': 'b' }),
      revisionOf({ ...template, metadata: { labels: { app: 'web' }, annotations: { restarted: 'now' } } }, {}),
      revisionOf({ ...template, spec: { ...spec, fieldOf2031: { x: 1 } } }, {}),
      revisionOf({ ...template, spec: { ...spec, fieldOf2031: {} } }, {}),
      revisionOf({ ...template, spec: { ...spec, terminationGracePeriodSeconds: 31 } }, {}),
    ];
    expect(new Set(revisions).size).toBe(revisions.length);
  });
});

describe('the digest of a config', () => {
  it('covers data and binary data, and nothing else', () => {
    const base = digestConfig({ data: { a: '1' } });
    expect(digestConfig({ data: { a: '1' }, binaryData: {}, metadata: { labels: { x: 'y' } }, immutable: true })).toBe(
      base,
    );
    expect(digestConfig({ data: { a: '2' } })).not.toBe(base);
    expect(digestConfig({ data: { a: '1' }, binaryData: { a: 'AA==' } })).not.toBe(base);
    expect(digestConfig({ binaryData: { a: '1' } })).not.toBe(base);
  });

  it('survives the projection that drops the data', () => {
    const config = stored({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings', annotations: { big: 'x' } },
      data: { a: '1' },
    });
    const kept = projectConfigMap(config);
    expect(kept).not.toHaveProperty('data');
    expect(kept.metadata.annotations).toEqual({});
    expect(digestOf(kept)).toBe(digestConfig(config));
    expect(projectConfigMap(kept)).toEqual(kept);
  });
});
