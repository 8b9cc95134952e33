// The examples for pipelines: they parse, keep to the rules of their systems, and call commands that exist.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { CliContext } from '../../../src/cli/context.ts';
import { runCommand } from '../../../src/cli/run.ts';
import { TransientError } from '../../../src/errors.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { systemRandom } from '../../../src/util/random.ts';

const folder = fileURLToPath(new URL('../../../examples/jenkins-x', import.meta.url));
const read = (path: string): string => readFileSync(join(folder, path), 'utf8');

/** Runs a script with a `serin` that writes its arguments down, and returns these with the script's exit code. */
function argumentsOf(
  script: string,
  env: Readonly<Record<string, string>>,
  variables = '',
  code = 0,
): { readonly code: number | null; readonly args: readonly string[] } {
  const place = mkdtempSync(join(tmpdir(), 'serin-examples-'));
  const stub = `#!/bin/sh\nprintf '%s\\n' "$@" >'${place}/args'\nexit ${code}\n`;
  writeFileSync(join(place, 'serin'), stub, { mode: 0o755 });
  mkdirSync(join(place, '.jx'));
  if (variables !== '') writeFileSync(join(place, '.jx', 'variables.sh'), variables);
  writeFileSync(join(place, 'script'), script, { mode: 0o755 });
  const run = spawnSync('/bin/sh', ['-u', join(place, 'script')], {
    cwd: place,
    env: { PATH: `${place}:/usr/bin:/bin`, RUNNER_TEMP: place, EXIT_CODE_PATH: join(place, 'code'), ...env },
  });
  const args = readFileSync(join(place, 'args'), 'utf8').trimEnd().split('\n');
  rmSync(place, { recursive: true });
  return { code: run.status, args };
}

/** Runs the arguments as far as the cluster: 1 when they are understood, 2 when they are not. */
async function isUnderstood(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<boolean> {
  const context: CliContext = {
    env,
    clock: systemClock,
    random: systemRandom,
    write: () => undefined,
    warn: () => undefined,
    isTerminal: false,
    isInteractive: false,
    ask: () => Promise.resolve(''),
    signal: new AbortController().signal,
    connect: () => Promise.reject(new TransientError('IO_NETWORK', 'no cluster here')),
  };
  const code = await runCommand(args, context);
  expect([1, 2]).toContain(code);
  return code === 1;
}

describe('the task of Jenkins X', () => {
  const task = parse(read('tasks/serin/verify.yaml')) as {
    apiVersion: string;
    kind: string;
    spec: { pipelineSpec: { tasks: { taskSpec: { steps: { name: string; image: string; script: string }[] } }[] } };
  };
  const [step] = task.spec.pipelineSpec.tasks[0]?.taskSpec.steps ?? [];

  it('is a PipelineRun with one step, as the catalog has them', () => {
    expect([task.apiVersion, task.kind, step?.name]).toEqual(['tekton.dev/v1beta1', 'PipelineRun', 'canary-verify']);
  });

  it('waits for the release that the pipeline built', async () => {
    const { code, args } = argumentsOf(step?.script ?? '', {}, 'export APP_NAME="web"\nexport VERSION="1.4.2"\n');
    expect(args).toEqual(
      'step verify web --namespace jx-production --for-version 1.4.2 --arrival-timeout 1h --timeout 2h'.split(' '),
    );
    expect(code).toBe(0);
    expect(await isUnderstood(args)).toBe(true);
  });

  it('takes what it is told, and fails as the step does', () => {
    const told = {
      CANARY_NAME: 'my web',
      CANARY_NAMESPACE: 'jx-staging',
      CANARY_VERSION: '2',
      CANARY_TIMEOUT: '5m',
      CANARY_ARRIVAL_TIMEOUT: '1m',
    };
    const { code, args } = argumentsOf(step?.script ?? '', told, '', 3);
    expect(args).toEqual([
      'step',
      'verify',
      'my web',
      '--namespace',
      'jx-staging',
      '--for-version',
      '2',
      '--arrival-timeout',
      '1m',
      '--timeout',
      '5m',
    ]);
    expect(code).toBe(3);
  });

  it('is what the release pipeline uses', () => {
    const text = read('release.yaml');
    expect(text).toContain('image: uses:OWNER/serin-catalog/tasks/serin/verify.yaml@versionStream');
    const names = [...text.matchAll(/name: (\S+)$/gm)].map((match) => match[1]);
    expect(names.indexOf('canary-verify')).toBeGreaterThan(names.indexOf('promote-jx-promote'));
  });
});

describe('the other systems', () => {
  it('Tekton: parameters reach the script by the environment alone, and the exit code is a result', async () => {
    const task = parse(read('tekton-task.yaml')) as {
      spec: { params: { name: string }[]; steps: { script: string; env: { name: string; value: string }[] }[] };
    };
    const [step] = task.spec.steps;
    expect(step?.script).not.toContain('$(');
    const used = [...JSON.stringify(step?.env).matchAll(/\$\(params\.([\w-]+)\)/g)].map((match) => match[1] ?? '');
    expect(new Set(used)).toEqual(new Set(task.spec.params.map((param) => param.name)));
    const { code, args } = argumentsOf(step?.script ?? '', { CANARY: 'web' }, '', 5);
    expect([code, args]).toEqual([5, ['step', 'verify', 'web']]);
    const env = { SERIN_NAMESPACE: 'shop', SERIN_FOR_VERSION: '1', SERIN_TIMEOUT: '1h' };
    const names = (step?.env ?? []).map(({ name }) => name).filter((name) => name.startsWith('SERIN_'));
    expect(names.sort()).toEqual(Object.keys(env).sort());
    expect(await isUnderstood(args, env)).toBe(true);
  });

  it('GitHub', async () => {
    const workflow = parse(read('github-workflow.yaml')) as {
      jobs: { verify: { steps: { run: string; env: Record<string, string> }[] } };
    };
    const [step] = workflow.jobs.verify.steps;
    expect(step?.run).not.toContain('${{');
    const { args } = argumentsOf(step?.run ?? '', { KUBECONFIG_TEXT: 'x' });
    expect(await isUnderstood(args, { SERIN_NAMESPACE: 'shop', SERIN_FOR_VERSION: 'v1', SERIN_TIMEOUT: '1h' })).toBe(
      true,
    );
  });

  it('GitLab: only a superseded release is a warning', async () => {
    const { canary } = parse(read('gitlab-ci.yaml')) as {
      canary: { script: string[]; variables: Record<string, string>; allow_failure: { exit_codes: number[] } };
    };
    expect(canary.allow_failure.exit_codes).toEqual([5]);
    const { args } = argumentsOf(canary.script.join('\n'), {});
    expect(await isUnderstood(args, { ...canary.variables, SERIN_FOR_VERSION: '1' })).toBe(true);
    expect(await isUnderstood(args, { ...canary.variables, SERIN_FOR_VERSION: '1', SERIN_TIMEOUT: '1 hour' })).toBe(
      false,
    );
  });

  it('Jenkins', async () => {
    const command = /script: '(serin [^']*)'/.exec(read('Jenkinsfile'))?.[1] ?? '';
    const { args } = argumentsOf(command, { VERSION: '1.4.2' });
    expect(args).toContain('1.4.2');
    expect(await isUnderstood(args)).toBe(true);
  });

  it('the role allows reading, and nothing else', () => {
    const [role] = parseAllDocuments(read('rbac.yaml')).map(
      (document) => document.toJS() as { rules?: { verbs: string[] }[] },
    );
    expect(new Set(role?.rules?.flatMap((rule) => rule.verbs))).toEqual(new Set(['get', 'list', 'watch']));
  });
});

describe('docs/pipelines.md', () => {
  const text = readFileSync(join(folder, '../../docs/pipelines.md'), 'utf8');
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map((match) => match[1] ?? '');
  const lines = blocks.flatMap((block) => block.trimEnd().split('\n')).map((line) => line.replace(/ +#.*$/, ''));

  it('shows commands', () => {
    expect(lines.length).toBeGreaterThan(5);
  });

  it.each(lines)('%s', async (line) => {
    const [program, ...args] = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
    expect(program).toBe('serin');
    expect(await isUnderstood(args[0] === 'abort' ? [...args, '--yes'] : args)).toBe(true);
  });
});
