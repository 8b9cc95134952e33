// The demo with --keep: pipelines and kubectl work with its cluster, and Ctrl-C ends all of it.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startDemo, startSerin, type Running } from './run-demo.ts';

const IMAGE = 'stefanprodan/podinfo';
/** The demo needs half a minute at most to start on a busy machine, a run about 15 s. */
const LIMIT_MS = 90_000;

const KUBECTL = 'kubectl';
const hasKubectl = spawnSync(KUBECTL, ['version', '--client']).status === 0;

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

  describe.skipIf(!hasKubectl)('kubectl', () => {
    const kubectl = (...args: readonly string[]): { status: number | null; out: string } => {
      const env = { ...process.env, KUBECONFIG: kubeconfig, EDITOR: 'sed -i s/maxWeight:.50/maxWeight:\\ 40/' };
      const { status, stdout, stderr } = spawnSync(KUBECTL, ['-n', 'shop', ...args], { encoding: 'utf8', env });
      return { status, out: stdout + stderr };
    };

    it("gets the Canary with Flagger's columns", () => {
      expect(kubectl('get', 'canary').out).toMatch(/^NAME +STATUS +WEIGHT +LASTTRANSITIONTIME\nweb +Succeeded +0 +/);
      expect(kubectl('get', 'canary,deploy,pods,svc,virtualservice').status).toBe(0);
    });

    it('describes it with its Events', () => {
      expect(kubectl('describe', 'canary', 'web').out).toMatch(/Events:[^]*Promotion completed!/);
    });

    it('applies, on the client and on the server', () => {
      expect(kubectl('apply', '-f', 'examples/quickstart/istio.yaml')).toMatchObject({ status: 0 });
      const again = kubectl('apply', '--server-side', '--force-conflicts', '-f', 'examples/quickstart/istio.yaml');
      expect(again).toMatchObject({ status: 0, out: 'canary.serin.dev/web serverside-applied\n' });
      const refused = kubectl('apply', '-f', '-', '--dry-run=server', '--validate=true');
      expect(refused.status).not.toBe(0);
    });

    it('patches and edits', () => {
      const patch = JSON.stringify({ metadata: { labels: { team: 'shop' } } });
      expect(kubectl('patch', 'canary', 'web', '--type', 'merge', '-p', patch).out).toContain('patched');
      expect(kubectl('edit', 'canary', 'web').out).toContain('edited');
      expect(kubectl('get', 'canary', 'web', '-o', 'jsonpath={.spec.analysis.maxWeight}').out).toBe('40');
    });

    it(
      'waits for and watches a run',
      () => {
        expect(kubectl('set', 'image', 'deploy/web', `app=${IMAGE}:6.7.6`).status).toBe(0);
        const phase = (name: string): string => `--for=jsonpath={.status.phase}=${name}`;
        expect(kubectl('wait', 'canary/web', phase('Progressing'), '--timeout=20s').status).toBe(0);
        const watched = kubectl('get', 'canary', 'web', '-w', '--request-timeout=8s').out;
        expect(watched.trim().split('\n').length).toBeGreaterThan(3);
        expect(kubectl('wait', 'canary/web', phase('Succeeded'), '--timeout=60s').status).toBe(0);
        expect(kubectl('wait', 'canary/web', '--for=condition=Promoted', '--timeout=10s').status).toBe(0);
      },
      LIMIT_MS,
    );

    it('deletes: the app goes on without the Canary', () => {
      expect(kubectl('delete', 'canary', 'web', '--timeout=60s').status).toBe(0);
      expect(kubectl('get', 'deploy', 'web', '-o', 'jsonpath={.status.readyReplicas}').out).toBe('2');
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
