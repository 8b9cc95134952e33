// Bodies in protobuf, as `kubectl create` sends them.
import { describe, expect, test } from 'vitest';
import { aWorld } from './kit.ts';

/** One member of a message: a number, a text or a message. */
function member(number: number, value: number | string | Buffer): Buffer {
  if (typeof value === 'number') return Buffer.from([number << 3, value]);
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
  const tag = (number << 3) | 2;
  return Buffer.concat([Buffer.from(tag < 128 ? [tag] : [(tag & 127) | 128, tag >> 7]), Buffer.from(length), bytes]);
}

const message = (...members: Buffer[]): Buffer => Buffer.concat(members);

function body(apiVersion: string, kind: string, raw: Buffer): string {
  const typeMeta = message(member(1, apiVersion), member(2, kind));
  return Buffer.concat([
    Buffer.from('k8s\0'),
    member(1, typeMeta),
    member(2, raw),
    member(3, ''),
    member(4, ''),
  ]).toString('latin1');
}

const options = { type: 'application/vnd.kubernetes.protobuf' };
const metadata = message(member(1, 'a'), member(2, ''), member(3, ''), member(8, Buffer.alloc(0)));

describe('protobuf', () => {
  test('a ConfigMap with text beyond ASCII', async () => {
    const { ask } = aWorld();
    const raw = message(member(1, metadata), member(2, message(member(1, 'k'), member(2, 'grün'))));
    const answer = await ask('POST', '/api/v1/namespaces/default/configmaps', body('v1', 'ConfigMap', raw), options);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'grün' } });
    expect(answer.body.metadata).not.toHaveProperty('generateName');
  });

  test('a Deployment', async () => {
    const { ask } = aWorld();
    const labels = (number: number): Buffer => member(number, message(member(1, 'app'), member(2, 'a')));
    const container = message(member(1, 'main'), member(2, 'app:1'), member(6, message(member(2, 0), member(3, 80))));
    const pods = message(member(2, container), member(3, ''), member(24, ''), member(8, ''));
    const template = message(member(1, labels(11)), member(2, pods));
    const spec = message(
      member(1, 2),
      member(2, labels(1)),
      member(3, template),
      member(4, message(member(1, ''))),
      member(7, 0),
    );
    const raw = message(member(1, metadata), member(2, spec), member(3, Buffer.alloc(0)));
    const answer = await ask(
      'POST',
      '/apis/apps/v1/namespaces/default/deployments',
      body('apps/v1', 'Deployment', raw),
      options,
    );
    expect(answer.status).toBe(201);
    const port = { containerPort: 80, protocol: 'TCP' };
    expect(answer.body['spec']).toMatchObject({
      replicas: 2,
      selector: { matchLabels: { app: 'a' } },
      strategy: { type: 'RollingUpdate' },
      template: { spec: { containers: [{ name: 'main', image: 'app:1', ports: [port] }] } },
    });
  });

  test('what cannot be read is refused, never guessed', async () => {
    const { ask } = aWorld();
    const path = '/api/v1/namespaces/default/configmaps';
    const unknownMember = body('v1', 'ConfigMap', message(member(1, metadata), member(9, 'x')));
    const cut = body('v1', 'ConfigMap', message(member(1, metadata))).slice(0, -12);
    for (const text of ['', 'nonsense', unknownMember, cut, body('v1', 'Node', Buffer.alloc(0))]) {
      const answer = await ask('POST', path, text, options);
      expect([400, 415]).toContain(answer.status);
    }
  });
});
