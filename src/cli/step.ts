// `serin step …`: the commands for pipelines, their flags and their result.
import { Command, Option } from 'commander';
import { RefusedError, messageOf } from '../errors.ts';
import type { ConnectedKube } from '../kube/connect.ts';
import { findCanary, withCluster } from './cluster.ts';
import type { FoundCanary } from './cluster.ts';
import type { CliContext } from './context.ts';
import { exitCodeOf, exitCodeOfSignal } from './exit-codes.ts';
import { addTargetFlags, choiceParser, readDurationMs } from './flags.ts';
import type { TargetFlags } from './flags.ts';
import { factsOfTarget } from './match.ts';
import type { Wanted } from './match.ts';
import { StepReport } from './step-report.ts';
import type { StepFormat } from './step-report.ts';
import { EXIT_BY_OUTCOME, outcomeOfError, resultOf, resultText } from './step-result.ts';
import type { StepResult, Verdict } from './step-result.ts';
import { targetRefOf, verify } from './verify.ts';

interface VerifyFlags extends TargetFlags {
  readonly forImage?: string;
  readonly forVersion?: string;
  readonly forRevision?: string | true;
  readonly timeout: number;
  readonly arrivalTimeout: number;
  readonly output: StepFormat;
}

/** What was asked for; `now` is the release that the target has when the step begins. */
type Asked = Wanted | { readonly kind: 'now' };

const FORMATS = ['text', 'jsonl', 'json'] as const;

/** Defines `serin step`. `finish` is told the exit code. */
export function stepCommand(context: CliContext, finish: (code: number) => void): Command {
  const step = new Command('step').description('Commands for pipelines').helpCommand(false);
  const verifying = step
    .command('verify')
    .description('Wait until a release arrives, then for its verdict; the exit code tells it')
    .argument('<name>', 'name of the Canary')
    .option('--for-image <image>', 'the release that runs this image, with or without a digest')
    .option(
      '--for-version <version>',
      'the release of this version: label app.kubernetes.io/version, image tag, VERSION of a container, or chart label; $VERSION where nothing is asked for',
    )
    .option(
      '--for-revision [revision]',
      "the release with this revision of serin's; without a value, the one that the target has when the step begins",
    )
    .addOption(
      new Option('--timeout <duration>', 'longest time in all').argParser(readDurationMs).default(3_600_000, '1h'),
    )
    .addOption(
      new Option('--arrival-timeout <duration>', 'longest time until the release is there and serin begins with it')
        .argParser(readDurationMs)
        .default(900_000, '15m'),
    )
    .addOption(
      new Option('-o, --output <format>', 'text; jsonl, one JSON line an event; or json, the result alone')
        .argParser(choiceParser(FORMATS))
        .default('text'),
    );
  addTargetFlags(verifying).action(async (name: string, flags: VerifyFlags, command: Command) => {
    finish(await runVerify(name, flags, askedRelease(command, flags, context), context));
  });
  return step;
}

async function runVerify(name: string, flags: VerifyFlags, asked: Asked, context: CliContext): Promise<number> {
  const startedMs = context.clock.nowMs();
  let found: FoundCanary | null = null;
  let wanted: Wanted | null = asked.kind === 'now' ? null : asked;
  let verdict: Verdict;
  let exitCode: number;
  try {
    verdict = await withCluster(context, flags, async (kube) => {
      found = await findCanary(kube, name, flags, { signal: context.signal });
      wanted = asked.kind === 'now' ? await releaseNow(kube, found, context) : asked;
      const task = { canary: found, wanted, timeoutMs: flags.timeout, arrivalTimeoutMs: flags.arrivalTimeout };
      return verify(kube, task, context, new StepReport(context, flags.output));
    });
    exitCode = verdict.outcome === 'interrupted' ? exitCodeOfSignal(context.signal) : EXIT_BY_OUTCOME[verdict.outcome];
  } catch (error) {
    exitCode = context.signal.aborted ? exitCodeOfSignal(context.signal) : exitCodeOf(error);
    verdict = { outcome: outcomeOfError(exitCode), run: null, reason: 'Error', message: messageOf(error) };
    context.warn(`serin: ${verdict.message}\n`);
  }
  const result = resultOf(verdict, exitCode, idOf(found, name, flags), wanted, startedMs, context.clock.nowMs());
  tell(result, flags.output, context);
  return exitCode;
}

function tell(result: StepResult, format: StepFormat, context: CliContext): void {
  if (format === 'json') context.write(`${JSON.stringify(result, null, 2)}\n`);
  else if (format === 'jsonl') context.write(`${JSON.stringify({ event: 'result', ...result })}\n`);
  // An error has been told already, in a sentence of its own.
  else if (result.reason !== 'Error') context.write(`${resultText(result)}\n`);
}

function idOf(found: FoundCanary | null, name: string, flags: TargetFlags): StepResult['canary'] {
  const group = found?.kind.group ?? flags.group ?? '';
  return { group, namespace: found?.namespace ?? flags.namespace ?? '', name };
}

/** The release that was asked for: flags before SERIN_FOR_…, and these before $VERSION. Ends the command when there is none, or more than one of a source. */
function askedRelease(command: Command, flags: VerifyFlags, context: CliContext): Asked {
  const asked: Readonly<Record<string, Asked | null>> = {
    forImage: flags.forImage === undefined ? null : { kind: 'image', image: flags.forImage },
    forVersion: flags.forVersion === undefined ? null : { kind: 'version', version: flags.forVersion },
    forRevision: askedRevision(flags),
  };
  for (const source of ['cli', 'env']) {
    const given = Object.keys(asked).filter((option) => command.getOptionValueSource(option) === source);
    if (given.length > 1)
      command.error('error: more than one of --for-image, --for-version and --for-revision is given, must be one');
    const release = asked[given[0] ?? ''] ?? null;
    if (release !== null) return release;
  }
  const version = context.env['VERSION'] ?? '';
  if (version !== '') return { kind: 'version', version };
  return command.error(
    'error: no release is asked for, must be given by --for-version, --for-image, --for-revision or $VERSION',
  );
}

function askedRevision({ forRevision }: VerifyFlags): Asked | null {
  if (forRevision === undefined) return null;
  return forRevision === true ? { kind: 'now' } : { kind: 'revision', revision: forRevision };
}

async function releaseNow(kube: ConnectedKube, canary: FoundCanary, context: CliContext): Promise<Wanted> {
  const ref = targetRefOf(canary.object);
  const target = ref === null ? null : await kube.client.get(ref, { signal: context.signal });
  if (target === null)
    throw new RefusedError(
      404,
      `Cannot tell the revision of Canary "${canary.namespace}/${canary.name}": its target does not exist`,
    );
  return { kind: 'template', digest: factsOfTarget(target, {}).template };
}
