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
});
