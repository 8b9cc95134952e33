// `serin abort`, `pause` and `resume`: write what a person wants on the Canary, and wait until the controller has answered.
import { Command, Option } from 'commander';
import { readState } from '../controller/status.ts';
import { REQUEST_ANNOTATION } from '../controller/request.ts';
import { isResting, isRunning } from '../core/phase.ts';
import { ConflictError, RefusedError } from '../errors.ts';
import type { ConnectedKube } from '../kube/connect.ts';
import type { KubeObject } from '../kube/contract.ts';
import { refOf } from '../kube/kinds.ts';
import { fencedPatch, setAnnotationOps } from '../kube/patches.ts';
import { formatDurationMs } from '../api/duration.ts';
import { rfc3339 } from '../util/time.ts';
import { textOf } from '../workload/fields.ts';
import { findCanary, shownName, withCluster } from './cluster.ts';
import type { FoundCanary } from './cluster.ts';
import type { CliContext } from './context.ts';
import { EXIT, exitCodeOfSignal } from './exit-codes.ts';
import { addTargetFlags, readDurationMs } from './flags.ts';
import type { TargetFlags } from './flags.ts';
import { follow } from './follow.ts';
import { plainText } from './text.ts';
import { describeStep, viewOf } from './view.ts';

/** What a person can ask for. */
export type ActVerb = 'abort' | 'pause' | 'resume';

interface ActFlags extends TargetFlags {
  readonly reason?: string;
  readonly revision?: string;
  readonly yes?: boolean;
  readonly wait: number;
}

const WORDS: Readonly<Record<ActVerb, { readonly done: string; readonly what: string }>> = {
  abort: { done: 'aborted', what: 'Roll back the run under way' },
  pause: { done: 'paused', what: 'Hold the run under way where it is' },
  resume: { done: 'resumed', what: 'Let a paused run go on' },
};

/** How long a request stays good, in milliseconds: a controller that is away for longer must not find it. */
const GOOD_FOR_MS = 600_000;
/** How often a request is written anew because the controller wrote first. */
const TRIES = 5;
/** `by` is cut at 128 characters by the controller. */
const REASON_MAX = 80;

/** Defines one of the three commands. `finish` is told the exit code. */
export function actCommand(verb: ActVerb, context: CliContext, finish: (code: number) => void): Command {
  const command = new Command(verb)
    .description(WORDS[verb].what)
    .argument('<name>', 'name of the Canary')
    .option('--reason <text>', 'why, shown beside your name')
    .option('--revision <revision>', 'the revision that is meant; the one under way when unset')
    .option('--yes', 'do not ask; needed by abort where nobody can answer')
    .addOption(
      new Option('--wait <duration>', 'how long to wait for the answer of the controller')
        .argParser(readDurationMs)
        .default(30_000, '30s'),
    );
  return addTargetFlags(command).action(async (name: string, flags: ActFlags) => {
    if ((flags.reason?.length ?? 0) > REASON_MAX)
      command.error(`error: --reason has ${flags.reason?.length ?? 0} characters, must have at most ${REASON_MAX}`);
    if (verb === 'abort' && flags.yes !== true && !context.isInteractive)
      command.error('error: nobody can be asked here, must be given --yes');
    finish(await withCluster(context, flags, (kube) => act(kube, verb, name, flags, context)));
  });
}

async function act(
  kube: ConnectedKube,
  verb: ActVerb,
  name: string,
  flags: ActFlags,
  context: CliContext,
): Promise<number> {
  const found = await findCanary(kube, name, flags, { signal: context.signal });
  const revision = flags.revision ?? revisionUnderWay(found.object, verb);
  if (verb === 'abort' && flags.yes !== true && !(await isAgreed(found, context))) {
    context.warn('Nothing was done\n');
    return EXIT.error;
  }
  const id = context.random.id();
  const scope = { namespace: found.namespace };
  const following = await follow(kube, context.clock, [{ kind: found.kind, scope }], context.signal);
  try {
    await writeRequest(kube, found, textOfRequest(id, verb, revision, flags, context), revision, flags, context);
    const outcome = await answerTo(id, found, following, flags.wait, context);
    if (context.signal.aborted) return exitCodeOfSignal(context.signal);
    return tell(outcome, verb, found, flags, context);
  } finally {
    following.close();
  }
}

function tell(outcome: string | null, verb: ActVerb, found: FoundCanary, flags: ActFlags, context: CliContext): number {
  if (outcome === 'done') {
    context.write(`${shownName(found)} ${WORDS[verb].done}\n`);
    return EXIT.done;
  }
  if (outcome !== null) {
    context.warn(`serin: Cannot ${verb} Canary "${found.namespace}/${found.name}": ${plainText(outcome)}\n`);
    return EXIT.error;
  }
  context.warn(
    `serin: Cannot tell whether Canary "${found.namespace}/${found.name}" will ${verb}: the controller has not answered within ` +
      `${formatDurationMs(flags.wait)}; the request stays good for ${formatDurationMs(GOOD_FOR_MS)}\n`,
  );
  return EXIT.timeout;
}

/** The revision of the run under way; empty while the first one is set up. Throws RefusedError 409 when there is nothing that could be acted on. */
function revisionUnderWay(object: KubeObject, verb: ActVerb): string {
  const what = `Cannot ${verb} Canary "${object.metadata.namespace ?? ''}/${object.metadata.name}"`;
  const stored = readState(object);
  if (stored.kind === 'invalid') throw new RefusedError(409, `${what}: ${stored.message}`);
  if (stored.kind === 'none') throw new RefusedError(409, `${what}: serin has not looked at it yet`);
  const { phase, run } = stored.state;
  if (isResting(phase)) throw new RefusedError(409, `${what}: no run is under way, it is ${phase}`);
  return isRunning(phase) ? (run?.revision ?? '') : '';
}

async function isAgreed(found: FoundCanary, context: CliContext): Promise<boolean> {
  const view = viewOf(found.object);
  const where = [view.phase, `${view.weightPercent}% canary`, describeStep(view)]
    .filter((part) => part !== '')
    .join(', ');
  const version = view.run === null || view.run.version === '' ? '' : ` of version ${view.run.version}`;
  const question = `Abort the run${version} of ${view.name} in ${view.namespace} (${where})? All traffic goes to the primary. [y/N] `;
  return /^y(es)?$/i.test((await context.ask(plainText(question))).trim());
}

/** The annotation's text: see controller/request.ts. The reason rides in `by`, which is what people are shown. */
function textOfRequest(id: string, verb: ActVerb, revision: string, flags: ActFlags, context: CliContext): string {
  const person = (context.env['USER'] || context.env['LOGNAME'] || 'unknown').slice(0, 40);
  const by = flags.reason === undefined || flags.reason === '' ? person : `${person} (${plainText(flags.reason)})`;
  const expires = rfc3339(context.clock.nowMs() + Math.max(GOOD_FOR_MS, flags.wait));
  return JSON.stringify({ id, verb, revision, by, expires });
}

/** Writes the annotation on the version that was seen. When the controller wrote first it is tried anew, as long as the run is still the one that was meant. */
async function writeRequest(
  kube: ConnectedKube,
  found: FoundCanary,
  text: string,
  revision: string,
  flags: ActFlags,
  context: CliContext,
): Promise<void> {
  const ref = refOf(found.kind, found.namespace, found.name);
  const what = `Cannot write to Canary "${found.namespace}/${found.name}"`;
  let object: KubeObject | null = found.object;
  for (let attempt = 1; ; attempt += 1) {
    if (object === null) throw new RefusedError(404, `${what}: it does not exist any more`);
    const now = readState(object);
    const current = now.kind === 'state' ? (now.state.run?.revision ?? '') : '';
    if (flags.revision === undefined && revision !== '' && current !== revision)
      throw new RefusedError(409, `${what}: the run of revision ${revision} is over, under way is ${current}`);
    try {
      const operations = fencedPatch(object, setAnnotationOps(object, REQUEST_ANNOTATION, text));
      await kube.client.patch(ref, operations, { signal: context.signal, lane: 'rollback' });
      return;
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === TRIES) throw error;
    }
    object = await kube.client.get(ref, { signal: context.signal });
  }
}

/** The answer to the request; null when there is none in time. */
async function answerTo(
  id: string,
  found: FoundCanary,
  following: Awaited<ReturnType<typeof follow>>,
  waitMs: number,
  context: CliContext,
): Promise<string | null> {
  const untilMs = context.clock.monotonicMs() + waitMs;
  const ref = refOf(found.kind, found.namespace, found.name);
  while (!context.signal.aborted) {
    const object = following.look(ref);
    if (object === null)
      throw new RefusedError(404, `Cannot wait for an answer: Canary "${found.namespace}/${found.name}" was deleted`);
    if (textOf(object, 'status', 'lastHandledRequest', 'id') === id)
      return textOf(object, 'status', 'lastHandledRequest', 'outcome');
    const leftMs = untilMs - context.clock.monotonicMs();
    if (leftMs <= 0) return null;
    await following.changed(leftMs, context.signal);
  }
  return null;
}
