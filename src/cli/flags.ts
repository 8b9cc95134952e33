// Flags that several commands share, how their texts are read, and the environment as their second source.
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { parseDurationMs } from '../api/duration.ts';
import { envOf } from '../config/option.ts';
import { CANARY_GROUPS } from '../kube/kinds.ts';
import type { CanaryGroup } from '../kube/kinds.ts';
import type { CliContext } from './context.ts';

/** What says which cluster is meant. */
export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** What says which Canary is meant, besides its name. */
export interface TargetFlags extends ClusterFlags {
  readonly namespace?: string;
  readonly group?: CanaryGroup;
}

/** Adds --kubeconfig, --context, --namespace and --group. */
export function addTargetFlags(command: Command): Command {
  return command
    .option('-n, --namespace <name>', 'namespace of the Canary; the one of the context when unset')
    .addOption(
      new Option(
        '--group <group>',
        'API group of the Canary; whichever holds it when unset, serin.dev first',
      ).argParser(choiceParser(CANARY_GROUPS)),
    )
    .option(
      '--kubeconfig <path>',
      'kubeconfig of the cluster; without it KUBECONFIG, ~/.kube/config or the account of the pod',
    )
    .option('--context <name>', 'context of the kubeconfig');
}

/** Reads one of `choices`. `-o=json` is taken as kubectl takes it. */
export function choiceParser<const C extends string>(choices: readonly C[]): (text: string) => C {
  return (text) => {
    const asked = text.replace(/^=/, '');
    const found = choices.find((choice) => choice === asked);
    if (found === undefined) throw new InvalidArgumentError(`It must be one of ${choices.join(', ')}.`);
    return found;
  };
}

/** Reads a duration above zero into milliseconds. */
export function readDurationMs(text: string): number {
  const value = parseDurationMs(text);
  if (value === null || value <= 0) throw new InvalidArgumentError('It must be a duration, such as 30s, 15m or 1h30m.');
  return value;
}

/**
 * Fills options that were not given from SERIN_<FLAG>; an empty variable counts as unset. Unlike commander's own
 * reading, a switch is read by its value (`SERIN_YES=false` is off), and the environment is the injected one.
 */
export function applyEnvironment(command: Command, context: CliContext): void {
  for (const option of command.options) {
    const name = option.attributeName();
    const source = command.getOptionValueSource(name);
    const flag = option.long?.replace(/^--/, '') ?? '';
    const text = context.env[envOf(flag)];
    if ((source !== undefined && source !== 'default') || flag === 'version' || text === undefined || text === '')
      continue;
    command.setOptionValueWithSource(name, readVariable(command, option, text), 'env');
  }
}

function readVariable(command: Command, option: Option, text: string): unknown {
  const variable = envOf(option.long?.replace(/^--/, '') ?? '');
  if (option.isBoolean()) {
    if (['true', '1'].includes(text.toLowerCase())) return true;
    if (['false', '0'].includes(text.toLowerCase())) return false;
    return command.error(`error: ${variable} is "${text.slice(0, 60)}". It must be true or false.`);
  }
  if (option.optional && text === 'true') return true;
  try {
    return option.parseArg === undefined ? text : option.parseArg(text, option.defaultValue);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    return command.error(`error: ${variable} is "${text.slice(0, 60)}". ${error.message}`);
  }
}
