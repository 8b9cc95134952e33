// `serin status`: one paragraph about a Canary: where it stands, what it waits for, what it decided and how the last runs ended.
import { Command, Option } from 'commander';
import type { Judged } from '../core/analysis/verdict.ts';
import type { ConnectedKube } from '../kube/connect.ts';
import { refOf } from '../kube/kinds.ts';
import { rfc3339 } from '../util/time.ts';
import { findCanary, withCluster } from './cluster.ts';
import type { CliContext } from './context.ts';
import { EXIT, exitCodeOfSignal } from './exit-codes.ts';
import { addTargetFlags, choiceParser } from './flags.ts';
import type { TargetFlags } from './flags.ts';
import { follow } from './follow.ts';
import { ageText, barText, hasUnicode, plainText, tableText } from './text.ts';
import { describeCheck, describeChecks, describeStep, viewOf } from './view.ts';
import type { CanaryView } from './view.ts';

interface StatusFlags extends TargetFlags {
  readonly watch?: boolean;
  readonly output: 'text' | 'json';
}

const QUIET_MS = 3_600_000;

/** Defines `serin status`. `finish` is told the exit code. */
export function statusCommand(context: CliContext, finish: (code: number) => void): Command {
  const command = new Command('status')
    .description('Say where a Canary stands, what it waits for and why')
    .argument('<name>', 'name of the Canary')
    .option('-w, --watch', 'say it again at every change, until interrupted')
    .addOption(
      new Option('-o, --output <format>', 'text or json').argParser(choiceParser(['text', 'json'])).default('text'),
    );
  return addTargetFlags(command).action(async (name: string, flags: StatusFlags) => {
    finish(await withCluster(context, flags, (kube) => status(kube, name, flags, context)));
  });
}

async function status(kube: ConnectedKube, name: string, flags: StatusFlags, context: CliContext): Promise<number> {
  const found = await findCanary(kube, name, flags, { signal: context.signal });
  if (flags.watch !== true) {
    context.write(shown(viewOf(found.object), flags, context));
    return EXIT.done;
  }
  const scope = { namespace: found.namespace };
  const following = await follow(kube, context.clock, [{ kind: found.kind, scope }], context.signal);
  let last = '';
  try {
    while (!context.signal.aborted) {
      const object = following.look(refOf(found.kind, found.namespace, name));
      if (object === null) {
        context.warn(`serin: Canary "${found.namespace}/${name}" was deleted\n`);
        return EXIT.notFound;
      }
      const key = `${object.metadata.uid}/${object.metadata.resourceVersion}`;
      if (key !== last)
        context.write(`${last === '' || flags.output === 'json' ? '' : '\n'}${shown(viewOf(object), flags, context)}`);
      last = key;
      await following.changed(QUIET_MS, context.signal);
    }
    return exitCodeOfSignal(context.signal);
  } finally {
    following.close();
  }
}

function shown(view: CanaryView, flags: StatusFlags, context: CliContext): string {
  // With --watch one line an object, so that each can be read by itself.
  if (flags.output === 'json') return `${JSON.stringify(view, null, flags.watch === true ? 0 : 2)}\n`;
  return statusText(view, context.clock.nowMs(), hasUnicode(context.env));
}

/** The paragraph. */
export function statusText(view: CanaryView, nowMs: number, isUnicode: boolean): string {
  const head = [
    `${view.name}.${view.namespace}`,
    `${view.phase || (view.isRefused ? 'refused' : 'not looked at yet')}${view.isPaused ? ' (paused)' : ''}`,
    `${view.weightPercent}% canary ${barText(view.weightPercent, isUnicode)}`,
    describeStep(view),
    describeChecks(view),
  ].filter((part) => part !== '');
  const rows = [
    ...targetRows(view),
    ...runRows(view, nowMs),
    ...view.checks.map((check, index) => checkRow(check, index, isUnicode)),
    ...view.problems.map((problem, index) => [
      index === 0 ? 'Wrong' : '',
      plainText(`${problem.type} ${problem.reason}: ${problem.message}`),
    ]),
    ...decisionRows(view, nowMs),
    ...historyRows(view, nowMs),
  ];
  const sentence = view.message === '' ? '' : `${plainText(view.message)}\n`;
  return `${head.join('  ')}\n${sentence}\n${tableText(rows)}`;
}

type Rows = readonly (readonly string[])[];

function targetRows({ target }: CanaryView): Rows {
  const facts = [
    `${target.kind}/${target.name}`,
    target.version === '' ? '' : `version ${target.version}`,
    target.images.join(', '),
  ];
  return [['Target', plainText(facts.filter((fact) => fact !== '').join(', '))]];
}

function runRows({ run }: CanaryView, nowMs: number): Rows {
  if (run === null) return [];
  return [['Run', plainText(`${run.id} of revision ${run.revision}, for ${ageText(nowMs - run.startedAtMs)}`)]];
}

const ICONS: Readonly<Record<Judged['verdict'], readonly [unicode: string, plain: string]>> = {
  Pass: ['✔', '+'],
  Fail: ['✖', 'x'],
  Insufficient: ['◌', '?'],
  Error: ['⚠', '!'],
};

function checkRow(check: Judged, index: number, isUnicode: boolean): readonly string[] {
  const icon = ICONS[check.verdict][isUnicode ? 0 : 1];
  return [index === 0 ? 'Checks' : '', plainText(`${icon} ${check.name} ${describeCheck(check)} ${check.verdict}`)];
}

function decisionRows({ decision }: CanaryView, nowMs: number): Rows {
  if (decision === null) return [];
  return [['Decided', plainText(`${decision.message}, ${ageText(nowMs - decision.atMs)} ago`)]];
}

function historyRows({ history }: CanaryView, nowMs: number): Rows {
  return history.map((run, index) => {
    const why = run.message === '' ? '' : `: ${run.message}`;
    const line = `${run.id} ${run.version || run.images[0] || run.revision} ${run.outcome}${why}, ${rfc3339(run.endedAtMs)}, ${ageText(nowMs - run.endedAtMs)} ago`;
    return [index === 0 ? 'History' : '', plainText(line)];
  });
}
