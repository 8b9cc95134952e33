// The demo with --keep: pipelines work with its cluster, and Ctrl-C ends all of it.
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startDemo, startSerin, type Running } from './run-demo.ts';

const IMAGE = 'stefanprodan/podinfo';
/** The demo needs half a minute at most to start on a busy machine, a run about 15 s. */
const LIMIT_MS = 90_000;

describe('the demo that is kept running', () => {
  let demo: Running;
  let kubeconfig = '';

  beforeAll(async () => {
    demo = startDemo(['--keep', '--only', 'none'], {});
    [, kubeconfig = ''] = await demo.find(/^export KUBECONFIG=(.+)$/m);
  }, LIMIT_MS);

  afterAll(async () => {
    demo.signal('SIGKILL');
    await demo.ended;
  });

  const verify = (...args: readonly string[]): Running =>
    startSerin(['step', 'verify', 'web', '-n', 'shop', ...args], { PATH: process.env['PATH'], KUBECONFIG: kubeconfig });
  const bring = (tag: string): Promise<void> => setImage(kubeconfig, `${IMAGE}:${tag}`);

  describe('serin step verify', () => {
    it(
      'ends with 0 for a revision that is promoted, and tells the steps',
      async () => {
        const step = verify('--for-version', '6.7.1');
        await step.find(/Waits for/);
        await bring('6.7.1');
        const { code, all } = await step.ended;
        expect(code, all).toBe(0);
        expect(all).toMatch(/10%[^]*50%/);
      },
      LIMIT_MS,
    );

    it(
      'ends with 3 for one that is rolled back, and says why',
      async () => {
        const step = verify('--for-image', `${IMAGE}:6.7.2_500@20%`);
        await bring('6.7.2_500@20%');
        const { code, all } = await step.ended;
        expect(code, all).toBe(3);
        expect(all).toContain('request-success-rate');
      },
      LIMIT_MS,
    );

    it(
      'ends with 5 for one that is superseded, and with 0 for the one that came after it',
      async () => {
        const first = verify('--for-version', '6.7.4');
        await bring('6.7.4');
        await first.find(/10%/);
        const second = verify('--for-version', '6.7.5');
        await bring('6.7.5');
        const superseded = await first.ended;
        expect(superseded.code, superseded.all).toBe(5);
        const promoted = await second.ended;
        expect(promoted.code, promoted.all).toBe(0);
      },
      LIMIT_MS,
    );

    it('ends with 124 for one that never arrives', async () => {
      const { code, all } = await verify('--for-version', '9.9.9', '--arrival-timeout', '2s').ended;
      expect(code, all).toBe(124);
      expect(all).toContain('never reached the cluster');
    });

    it('ends with 7 where there is no such Canary', async () => {
      const args = ['step', 'verify', 'webb', '-n', 'shop', '--for-version', '1'];
      const { code, stderr } = await startSerin(args, { PATH: process.env['PATH'], KUBECONFIG: kubeconfig }).ended;
      expect(code).toBe(7);
      expect(stderr).toContain('must perhaps be "web"');
    });
  });

  it('ends at Ctrl-C with nothing left, and no client ever failed but for the revision that was bad', async () => {
    demo.signal('SIGINT');
    const { all } = await demo.ended;
    expect(all).toMatch(/kept: \d{3,} requests, 0 failed without an answer of a canary/);
    expect(existsSync(kubeconfig)).toBe(false);
  });
});

/** As `kubectl set image` does, for machines without kubectl. */
function setImage(kubeconfigPath: string, image: string): Promise<void> {
  const config = parse(readFileSync(kubeconfigPath, 'utf8')) as {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
    users: { user: { token: string } }[];
  };
  const { server, 'certificate-authority-data': authority } = config.clusters[0]!.cluster;
  const options = {
    method: 'PATCH',
    ca: Buffer.from(authority, 'base64'),
    headers: {
      authorization: `Bearer ${config.users[0]!.user.token}`,
      'content-type': 'application/strategic-merge-patch+json',
    },
  };
  const path = '/apis/apps/v1/namespaces/shop/deployments/web';
  return new Promise((resolve, reject) => {
    const sent = request(server + path, options, (answer) => {
      answer.resume();
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve();
        else reject(new Error(`the API server answered ${answer.statusCode}`));
      });
    });
    sent.on('error', reject);
    sent.end(JSON.stringify({ spec: { template: { spec: { containers: [{ name: 'app', image }] } } } }));
  });
}
