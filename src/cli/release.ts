// `serin release --all`: deletes the Canaries that serin works and waits until their traffic is back at the targets. Run before an uninstall.
import { Command, Option } from 'commander';
import { formatDurationMs } from '../api/duration.ts';
import { FINALIZER } from '../controller/finalize.ts';
import { ConflictError } from '../errors.ts';
import type { ConnectedKube } from '../kube/connect.ts';
import type { KubeObject, ResourceKind } from '../kube/contract.ts';
import { CANARY_GROUPS, canaryKind, refTo } from '../kube/kinds.ts';
import { sleep } from '../util/clock.ts';
import { textOf } from '../workload/fields.ts';
import { withCluster } from './cluster.ts';
import type { CliContext } from './context.ts';
import { EXIT, exitCodeOfSignal } from './exit-codes.ts';
import { choiceParser, readDurationMs } from './flags.ts';
import type { ClusterFlags } from './flags.ts';
import { plainText } from './text.ts';

interface ReleaseFlags extends ClusterFlags {
  readonly all?: boolean;
  readonly namespace?: string;
  readonly group: readonly string[];
  readonly timeout: number;
  readonly yes?: boolean;
}

interface Guarded {
  readonly kind: ResourceKind;
  readonly object: KubeObject;
}

/** How often the Canaries are looked at, in milliseconds. */
const EVERY_MS = 2_000;
/** Canaries that a line names at most. */
const NAMED_MAX = 5;

/** Defines `serin release`. `finish` is told the exit code: 0 when none is left, 124 when the time is over, 1 when nobody agreed. */
export function releaseCommand(context: CliContext, finish: (code: number) => void): Command {
  const group = new Option('--group <group>', 'API group, may be given several times; all groups when unset')
    .argParser((text, before: readonly string[]) => [...before, choiceParser(CANARY_GROUPS)(text)])
    .default([], '');
  const timeout = new Option('--timeout <duration>', 'how long to wait for the controller')
    .argParser(readDurationMs)
    .default(600_000, '10m');
  const command = new Command('release')
    .description('Delete Canaries and wait until the controller has handed their traffic back to the targets')
    .option('--all', 'every Canary that the controller works: nothing less can be said yet')
    .option('-n, --namespace <name>', 'only those of this namespace; all namespaces when unset')
    .addOption(group)
    .addOption(timeout)
    .option('--yes', 'do not ask; needed where nobody can answer')
    .option(
      '--kubeconfig <path>',
      'kubeconfig of the cluster; without it KUBECONFIG, ~/.kube/config or the account of the pod',
    )
    .option('--context <name>', 'context of the kubeconfig');
  return command.action(async (flags: ReleaseFlags) => {
    if (flags.all !== true) command.error('error: --all is missing: Canaries are deleted, which must be said');
    if (flags.yes !== true && !context.isInteractive)
      command.error('error: nobody can be asked here, must be given --yes');
    finish(await withCluster(context, flags, (kube) => release(kube, flags, context)));
  });
}

async function release(kube: ConnectedKube, flags: ReleaseFlags, context: CliContext): Promise<number> {
  const untilMs = context.clock.monotonicMs() + flags.timeout;
  let left = await guarded(kube, flags, context);
  if (left.length > 0 && flags.yes !== true && !(await isAgreed(left, context))) {
    context.warn('Nothing was done\n');
    return EXIT.error;
  }
  const total = left.length;
  let told = '';
  while (left.length > 0 && !context.signal.aborted) {
    for (const one of left) await remove(kube, one, context);
    const line = `Waiting for ${count(left.length)}: ${names(left)}\n`;
    if (line !== told) context.warn(line);
    told = line;
    if (context.clock.monotonicMs() >= untilMs) return tellLeft(left, flags, context);
    await sleep(context.clock, EVERY_MS, context.signal);
    left = await guarded(kube, flags, context);
  }
  if (context.signal.aborted) return exitCodeOfSignal(context.signal);
  context.write(total === 0 ? 'No Canary is worked by serin\n' : `Released ${count(total)}\n`);
  return EXIT.done;
}

/** The Canaries that hold our finalizer: those, and only those, have something to be handed back. */
async function guarded(kube: ConnectedKube, flags: ReleaseFlags, context: CliContext): Promise<readonly Guarded[]> {
  const found: Guarded[] = [];
  for (const group of flags.group.length === 0 ? CANARY_GROUPS : flags.group) {
    const { kind, version } = canaryKind(group);
    const served = await kube.client.discover(group, kind, [version]);
    if (served === null) continue;
    const { items } = await kube.client.list(served, flags.namespace ?? null, { signal: context.signal });
    for (const object of items)
      if ((object.metadata.finalizers ?? []).includes(FINALIZER)) found.push({ kind: served, object });
  }
  return found;
}

/** Deletes exactly what was seen; one that the controller wrote meanwhile is taken up in the next round. */
async function remove(kube: ConnectedKube, { kind, object }: Guarded, context: CliContext): Promise<void> {
  const { uid, resourceVersion, deletionTimestamp } = object.metadata;
  if (deletionTimestamp !== undefined || uid === undefined || resourceVersion === undefined) return;
  try {
    await kube.client.remove(refTo(kind, object), uid, resourceVersion, { signal: context.signal });
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
}

async function isAgreed(left: readonly Guarded[], context: CliContext): Promise<boolean> {
  const question = `Delete ${count(left.length)} (${names(left)})? Their targets take the traffic back. [y/N] `;
  return /^y(es)?$/i.test((await context.ask(question)).trim());
}

function tellLeft(left: readonly Guarded[], flags: ReleaseFlags, context: CliContext): number {
  context.warn(
    `serin: Cannot release ${count(left.length)} within ${formatDurationMs(flags.timeout)}; the controller must run until they are gone\n`,
  );
  for (const { object } of left)
    context.warn(`  ${nameOf(object)}: ${plainText(textOf(object, 'status', 'message')) || 'no status'}\n`);
  return EXIT.timeout;
}

const count = (number: number): string => `${number} ${number === 1 ? 'Canary' : 'Canaries'}`;

const nameOf = (object: KubeObject): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

function names(left: readonly Guarded[]): string {
  const shown = left.slice(0, NAMED_MAX).map(({ object }) => nameOf(object));
  return left.length > shown.length ? `${shown.join(', ')} and ${left.length - shown.length} more` : shown.join(', ');
}
