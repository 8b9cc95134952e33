// OpenAPI in both versions, and the Table of Events, as clients of Go read them.
import { describe, expect, test } from 'vitest';
import { aWorld } from './kit.ts';

const GO = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

describe('openapi', () => {
  test('version 2 holds the types of all kinds, with references to one another', async () => {
    const { ask } = aWorld();
    const { status, body } = await ask('GET', '/openapi/v2');
    expect(status).toBe(200);
    const { definitions } = body as unknown as { definitions: Record<string, { properties: Record<string, unknown> }> };
    const deployment = definitions['io.k8s.api.apps.v1.Deployment'];
    expect(deployment?.properties['spec']).toEqual({ $ref: '#/definitions/types.DeploymentSpec' });
    expect(definitions['types.DeploymentSpec']?.properties['replicas']).toEqual({ type: 'integer', format: 'int32' });
    expect(JSON.stringify(definitions)).not.toContain('#/components/');
  });

  test('version 2 comes in protobuf to who asks for it', async () => {
    const { api } = aWorld();
    const answer = await api.handle({ method: 'GET', path: '/openapi/v2', headers: { accept: GO }, user: 'someone' });
    expect(answer.headers['content-type']).toBe('application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
    const bytes = Buffer.from(answer.body as string, 'latin1');
    // Member 1, `swagger`, of three characters.
    expect([...bytes.subarray(0, 5)]).toEqual([0x0a, 3, ...Buffer.from('2.0')]);
    expect(bytes.includes(Buffer.from('io.k8s.api.apps.v1.Deployment'))).toBe(true);
  });

  test('a Table of Events leaves their names to those who ask for more', async () => {
    const { ask } = aWorld();
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const { body } = await ask('GET', '/api/v1/events', undefined, { accept });
    const columns = body['columnDefinitions'] as { name: string; priority: number }[];
    const shown = columns.filter(({ priority }) => priority === 0).map(({ name }) => name);
    expect(shown).toEqual(['Last Seen', 'Type', 'Reason', 'Object', 'Message']);
    const wide = columns.filter(({ priority }) => priority > 0).map(({ name }) => name);
    expect(wide).toEqual(['Subobject', 'Source', 'First Seen', 'Count', 'Name']);
  });

  test('custom objects come with their members in order, whatever order they were sent in', async () => {
    const { ask } = aWorld({ kinds: ['istio'] });
    const path = '/apis/networking.istio.io/v1/namespaces/default/virtualservices';
    const spec = { http: [{ route: [{ weight: 1, destination: { host: 'a' } }] }], hosts: ['a'] };
    await ask('POST', path, {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'a' },
      spec,
    });
    const { body } = await ask('GET', `${path}/a`);
    const inOrder = { hosts: ['a'], http: [{ route: [{ destination: { host: 'a' }, weight: 1 }] }] };
    expect(JSON.stringify(body['spec'])).toBe(JSON.stringify(inOrder));
  });
});
