// Each kubectl that is installed works with the cluster of `npm run demo -- --keep`: every verb that people use there.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findKubectls, Runner, type Said } from './kubectls.ts';
import { startDemo, type Running } from './run-demo.ts';

const LIMIT_MS = 90_000;
const IMAGE = 'stefanprodan/podinfo';
const CANARY = 'examples/quickstart/istio.yaml';
const TEXT = readFileSync(new URL(`../../${CANARY}`, import.meta.url), 'utf8');

const kubectls = await findKubectls();
const why = kubectls.length === 0 ? ' (skipped: kubectl is not installed)' : '';

it.skipIf(kubectls.length === 0)(`kubectl works with the kept demo${why}`, () => {
  expect(kubectls).not.toEqual([]);
});

describe.skipIf(kubectls.length === 0)('the kept demo', () => {
  let demo: Running;
  let kubeconfig = '';
  let folder = '';
  let tag = 1;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'serin-kubectl-'));
    demo = startDemo(['--keep', '--only', 'none'], {});
    [, kubeconfig = ''] = await demo.find(/^export KUBECONFIG=(.+)$/m);
  }, LIMIT_MS);

  afterAll(async () => {
    demo.signal('SIGKILL');
    await demo.ended;
    rmSync(folder, { recursive: true, force: true });
  });

  describe.each(kubectls)('by kubectl $version', (kubectl) => {
    let runner: Runner;
    beforeAll(() => {
      runner = new Runner(kubectl, { KUBECONFIG: kubeconfig });
    });

    /** What it says when all is well. */
    const ok = (...args: readonly string[]): string => {
      const said = runner.run(args);
      expect(said, args.join(' ')).toMatchObject({ code: 0 });
      return said.out;
    };
    const from = (text: string, ...args: readonly string[]): Said => runner.run([...args, '-f', '-'], { input: text });
    /** Edits with a stream editor, as `EDITOR=vim kubectl edit` is used. */
    const edit = (script: string, ...what: readonly string[]): Said => {
      const path = join(folder, 'editor.sh');
      writeFileSync(path, `#!/bin/sh\nexec sed -i '${script}' "$1"\n`, { mode: 0o755 });
      return runner.run(['edit', ...what], { env: { EDITOR: path } });
    };
    const path = (field: string): string => ok('get', 'canary', 'web', '-o', `jsonpath={${field}}`);
    const phase = (name: string): string => `--for=jsonpath={.status.phase}=${name}`;

    it('finds the server, its kinds and their fields', () => {
      expect(ok('version')).toMatch(/^Server Version: v1\.36\./m);
      expect(ok('api-resources')).toMatch(/^canaries +can +serin\.dev\/v1beta1 +true +Canary$/m);
      expect(ok('api-versions')).toMatch(/^serin\.dev\/v1beta1$/m);
      expect(ok('explain', 'canary.spec.analysis')).toMatch(/stepWeight\t<integer>/);
      expect(ok('explain', 'canary', '--recursive')).toMatch(/thresholdRange\t<Object>/);
      expect(ok('explain', 'canary.spec.analysis.stepWeight', '--output', 'plaintext-openapiv2')).toMatch(
        /FIELD: +stepWeight <integer>/,
      );
      expect(ok('explain', 'deploy.spec.template.spec.containers')).toMatch(/FIELD: containers <\[\]Container>/);
      expect(ok('auth', 'can-i', 'patch', 'canaries')).toBe('yes\n');
    });

    it("gets, with Flagger's columns", () => {
      expect(ok('get', 'canary')).toMatch(
        /^NAME +STATUS +WEIGHT +LASTTRANSITIONTIME\nweb +(Initialized|Succeeded) +0 +\S+Z\n$/,
      );
      expect(ok('get', 'canary', '-o', 'wide')).toMatch(
        /^NAME +STATUS +WEIGHT +SUSPENDED +FAILEDCHECKS +INTERVAL +MIRROR +STEPWEIGHT +STEPWEIGHTS +MAXWEIGHT +LASTTRANSITIONTIME/,
      );
      expect(ok('get', 'canaries', '-A')).toMatch(/^NAMESPACE +NAME +STATUS[^]*\nshop +web /);
      expect(ok('get', 'all')).toMatch(/canary\.serin\.dev\/web/);
      expect(ok('get', 'pods,deploy,rs,svc,virtualservice,destinationrule')).toMatch(/web-primary +2\/2 +2 +2 /);
      expect(ok('get', 'events')).toMatch(
        /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n[^]*Initialization done! web.shop/,
      );
      expect(ok('events', '--for', 'canary/web')).toMatch(/Initialization done! web.shop/);
      expect(ok('get', 'canary', 'web', '-o', 'yaml')).toMatch(/^apiVersion: serin.dev\/v1beta1$/m);
      expect(runner.run(['get', 'canary', 'webb'])).toMatchObject({
        code: 1,
        err: 'Error from server (NotFound): canaries.serin.dev "webb" not found\n',
      });
    });

    it('describes with Events', () => {
      expect(ok('describe', 'canary', 'web')).toMatch(/Step Weight: +10\n[^]*Events:[^]*Initialization done!/);
      expect(ok('describe', 'deploy', 'web-primary')).toMatch(/Replicas: +2 desired \| 2 updated \| 2 total/);
      expect(ok('describe', 'pods')).toMatch(/Status: +Running/);
      expect(ok('describe', 'svc', 'web')).toMatch(/Endpoints: +127\.0\.0\.1:\d+,127/);
    });

    it('applies on the client', () => {
      expect(ok('apply', '-f', CANARY)).toMatch(/^canary\.serin\.dev\/web (configured|unchanged)\n$/);
      expect(ok('apply', '-f', CANARY)).toBe('canary.serin.dev/web unchanged\n');
      const slower = TEXT.replace('interval: 2s', 'interval: 3s');
      expect(from(slower, 'diff')).toMatchObject({
        code: 1,
        out: expect.stringMatching(/^\+ {4}interval: 3s$/m) as string,
      });
      expect(from(slower, 'apply')).toMatchObject({ code: 0, out: 'canary.serin.dev/web configured\n' });
      expect(path('.spec.analysis.interval')).toBe('3s');
      // A member that is applied no more is taken away; that of somebody else stays.
      expect(from(TEXT.replace(/ {4}maxWeight: 50\n/, ''), 'apply').code).toBe(0);
      expect(path('.spec.analysis.maxWeight')).toBe('');
      expect(ok('apply', '-f', CANARY)).toBe('canary.serin.dev/web configured\n');
      expect(path('.metadata.finalizers[0]')).toBe('serin.dev/release');
    });

    it('applies on the server, and says whose fields are fought over', () => {
      const forced = ['apply', '--server-side', '--force-conflicts', '-f', CANARY];
      expect(ok(...forced)).toBe('canary.serin.dev/web serverside-applied\n');
      const other = TEXT.replace('maxWeight: 50', 'maxWeight: 40');
      const conflict = from(other, 'apply', '--server-side', '--field-manager', 'other');
      expect(conflict.code).toBe(1);
      expect(conflict.err).toMatch(/conflict with "kubectl"[^]*: \.spec\.analysis\.maxWeight/);
      expect(path('.spec.analysis.maxWeight')).toBe('50');
    });

    it('refuses what the schema does not know, whoever applies', () => {
      const typo = TEXT.replace('threshold: 2', 'thresold: 2');
      expect(from(typo, 'apply').err).toContain('unknown field "spec.analysis.thresold"');
      expect(from(typo, 'apply', '--server-side', '--force-conflicts').err).toContain('.spec.analysis.thresold');
      const text = from(TEXT.replace('stepWeight: 10', 'stepWeight: ten'), 'apply', '--dry-run=server');
      expect(text.err).toContain('must be of type integer: "string"');
    });

    it('patches in each of the three ways', () => {
      const change = [{ op: 'replace', path: '/spec/analysis/maxWeight', value: 30 }];
      expect(ok('patch', 'canary', 'web', '--type', 'json', '-p', JSON.stringify(change))).toMatch(/ patched\n$/);
      expect(path('.spec.analysis.maxWeight')).toBe('30');
      const merge = JSON.stringify({ spec: { analysis: { maxWeight: 50 } } });
      expect(ok('patch', 'canary', 'web', '--type', 'merge', '-p', merge)).toMatch(/ patched\n$/);
      expect(ok('patch', 'canary', 'web', '--type', 'merge', '-p', merge)).toMatch(/ patched \(no change\)\n$/);
      const strategic = JSON.stringify({ metadata: { annotations: { note: kubectl.version } } });
      expect(ok('patch', 'deploy', 'web', '-p', strategic)).toMatch(/ patched\n$/);
      expect(runner.run(['patch', 'canary', 'web', '-p', merge]).err).toContain('strategic-merge-patch');
      expect(ok('label', 'canary', 'web', 'team=shop')).toMatch(/ labeled\n$/);
      expect(ok('get', 'canary', '-l', 'team=shop', '-o', 'name')).toBe('canary.serin.dev/web\n');
      expect(ok('label', 'canary', 'web', 'team-')).toMatch(/ unlabeled\n$/);
    });

    it('edits', () => {
      expect(edit('s/maxWeight: 50/maxWeight: 40/', 'canary', 'web').out).toBe('canary.serin.dev/web edited\n');
      expect(path('.spec.analysis.maxWeight')).toBe('40');
      expect(edit('s/nothing//', 'canary', 'web').err).toContain('Edit cancelled, no changes made.');
      const refused = edit('s/stepWeight: 10/stepWeight: ten/', 'canary', 'web');
      expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('is invalid') as string });
      expect(edit('s/maxWeight: 40/maxWeight: 50/', 'canary', 'web').code).toBe(0);
      expect(edit(`s/^  annotations:/&\\n    edited-by-${kubectl.version}: "yes"/`, 'deploy', 'web').out).toBe(
        'deployment.apps/web edited\n',
      );
    });

    it(
      'watches a run and waits for its ends',
      async () => {
        const watched = runner.watch(['get', 'canary', 'web', '-w']);
        await watched.find(/^web /);
        ok('set', 'image', 'deploy/web', `app=${IMAGE}:6.8.${(tag += 1)}`);
        ok('wait', 'canary/web', phase('Progressing'), '--timeout=20s');
        ok('wait', 'canary/web', phase('Succeeded'), '--timeout=60s');
        ok('wait', 'canary/web', '--for=condition=Promoted', '--timeout=10s');
        await watched.find(/^web +Succeeded /);
        await watched.stop();
        const [head, ...rows] = watched.lines;
        expect(head).toMatch(/^NAME +STATUS +WEIGHT +LASTTRANSITIONTIME$/);
        const seen = rows.map((row) => row.split(/ +/));
        const weights = seen.filter(([, status]) => status === 'Progressing').map(([, , weight]) => Number(weight));
        expect([...new Set(weights)]).toEqual([0, 10, 20, 30, 40, 50]);
        expect(seen.at(-1)?.slice(0, 3)).toEqual(['web', 'Succeeded', '0']);
        expect(ok('rollout', 'status', 'deploy/web-primary', '--timeout=20s')).toContain('successfully rolled out');
      },
      LIMIT_MS,
    );

    it('creates, scales, exposes and deletes what else an app is made of', () => {
      const image = `--image=${IMAGE}:6.8.0`;
      expect(ok('create', 'deployment', 'other', image, '--port=9898')).toBe('deployment.apps/other created\n');
      ok('scale', 'deploy', 'other', '--replicas=2');
      ok('wait', 'deploy/other', '--for=condition=Available', '--timeout=20s');
      ok('rollout', 'status', 'deploy/other', '--timeout=20s');
      expect(ok('expose', 'deploy', 'other', '--port=80', '--target-port=9898')).toBe('service/other exposed\n');
      expect(ok('autoscale', 'deploy', 'other', '--min=1', '--max=3', '--cpu-percent=80')).toMatch(/ autoscaled\n$/);
      expect(ok('get', 'hpa', 'other')).toMatch(/Deployment\/other +cpu: <unknown>\/80% +1 +3 /);
      ok('create', 'configmap', 'other', '--from-literal=a=b');
      ok('create', 'secret', 'generic', 'other', '--from-literal=a=b');
      expect(ok('delete', 'deploy,svc,hpa,cm,secret', 'other', '--timeout=20s').trim().split('\n')).toHaveLength(5);
      ok('wait', 'pod', '-l', 'app=other', '--for=delete', '--timeout=20s');
      expect(ok('get', 'all', '-l', 'app=other')).toBe('');
    });

    it(
      'deletes: the app goes on without the Canary, and with it again',
      () => {
        expect(ok('delete', 'canary', 'web', '--timeout=60s')).toMatch(/canary\.serin\.dev "web" deleted/);
        expect(ok('get', 'deploy', 'web', '-o', 'jsonpath={.status.readyReplicas}')).toBe('2');
        expect(ok('create', '-f', CANARY)).toBe('canary.serin.dev/web created\n');
        ok('wait', 'canary/web', phase('Initialized'), '--timeout=60s');
      },
      LIMIT_MS,
    );
  });

  it('ends with no request of any client failed', async () => {
    demo.signal('SIGINT');
    const { all } = await demo.ended;
    expect(all).toMatch(/kept: \d{3,} requests, 0 failed without an answer of a canary/);
  });
});
