// `serin get`: lists Canaries, or prints one, as a table or as objects; with --watch again at every change.
import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import type { ConnectedKube } from '../kube/connect.ts';
import type { KubeObject, ResourceKind } from '../kube/contract.ts';
import { apiVersionOf } from '../kube/kinds.ts';
import { timeOf } from '../util/time.ts';
import { textOf } from '../workload/fields.ts';
import { findCanary, namespaceOf, servedKinds, withCluster } from './cluster.ts';
import type { CliContext } from './context.ts';
import { EXIT, exitCodeOfSignal } from './exit-codes.ts';
import { addTargetFlags, choiceParser } from './flags.ts';
import type { TargetFlags } from './flags.ts';
import { follow } from './follow.ts';
import { ageText, plainText, tableText } from './text.ts';
import { viewOf } from './view.ts';
import type { CanaryView } from './view.ts';

const FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const;

interface GetFlags extends TargetFlags {
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly watch?: boolean;
  readonly output: (typeof FORMATS)[number];
}

/** Longest wait of a watch without a change, in milliseconds: ages grow meanwhile, but nobody needs to be told. */
const QUIET_MS = 3_600_000;

/** Defines `serin get`. `finish` is told the exit code. */
export function getCommand(context: CliContext, finish: (code: number) => void): Command {
  const command = new Command('get')
    .description('List Canaries, or print one')
    .argument('[name]', 'name of the Canary; all of the namespace when left out')
    .option('-A, --all-namespaces', 'the Canaries of all namespaces')
    .option('-l, --selector <labels>', 'only Canaries with these labels, such as app=web,tier!=test')
    .option('-w, --watch', 'print again what changes, until interrupted')
    .addOption(
      new Option('-o, --output <format>', 'wide, json, yaml or name; a table when left out')
        .argParser(choiceParser(FORMATS))
        .default('table'),
    );
  return addTargetFlags(command).action(async (name: string | undefined, flags: GetFlags) => {
    if (name !== undefined && (flags.allNamespaces === true || flags.selector !== undefined))
      command.error('error: a name is given together with --all-namespaces or --selector, must be one or the other');
    finish(await withCluster(context, flags, (kube) => get(kube, name, flags, context)));
  });
}

async function get(
  kube: ConnectedKube,
  name: string | undefined,
  flags: GetFlags,
  context: CliContext,
): Promise<number> {
  const options = { signal: context.signal };
  const namespace = flags.allNamespaces === true ? null : namespaceOf(kube, flags);
  const one = name === undefined ? null : await findCanary(kube, name, flags, options);
  const kinds = one === null ? await servedKinds(kube, flags.group) : [one.kind];
  if (flags.watch === true) return watch(kube, kinds, namespace, name, flags, context);
  const objects = one === null ? await listAll(kube, kinds, namespace, flags, context) : [one.object];
  if (objects.length === 0) {
    context.warn(namespace === null ? 'No Canaries found\n' : `No Canaries found in namespace ${namespace}\n`);
    if (flags.output === 'table' || flags.output === 'wide' || flags.output === 'name') return EXIT.done;
  }
  context.write(one === null ? listText(objects, flags, context) : oneText(one.object, flags, context));
  return EXIT.done;
}

async function listAll(
  kube: ConnectedKube,
  kinds: readonly ResourceKind[],
  namespace: string | null,
  flags: GetFlags,
  context: CliContext,
): Promise<readonly KubeObject[]> {
  const found: KubeObject[] = [];
  for (const kind of kinds) {
    const selector = flags.selector === undefined ? {} : { labelSelector: flags.selector };
    const list = await kube.client.list(kind, namespace, { signal: context.signal, ...selector });
    // Items of a list may come without their type.
    found.push(...list.items.map((item) => ({ ...item, apiVersion: apiVersionOf(kind), kind: kind.kind })));
  }
  return found.toSorted(byName);
}

function byName(a: KubeObject, b: KubeObject): number {
  const [left, right] = [a, b].map((object) => `${object.metadata.namespace ?? ''}/${object.metadata.name}`);
  return (left ?? '') < (right ?? '') ? -1 : 1;
}

/** Prints everything once, then each object that changed. Ends when it is interrupted. */
async function watch(
  kube: ConnectedKube,
  kinds: readonly ResourceKind[],
  namespace: string | null,
  name: string | undefined,
  flags: GetFlags,
  context: CliContext,
): Promise<number> {
  const scope = { namespace, ...(flags.selector === undefined ? {} : { labelSelector: flags.selector }) };
  const following = await follow(
    kube,
    context.clock,
    kinds.map((kind) => ({ kind, scope })),
    context.signal,
  );
  const printed = new Map<string, string>();
  let isFirst = true;
  try {
    while (!context.signal.aborted) {
      const objects = kinds
        .flatMap((kind) => kube.cache.all(kind, namespace))
        .filter((object) => name === undefined || object.metadata.name === name)
        .toSorted(byName);
      const news = objects.filter((object) => {
        const key = object.metadata.uid ?? '';
        const isNews = printed.get(key) !== object.metadata.resourceVersion;
        printed.set(key, object.metadata.resourceVersion ?? '');
        return isNews;
      });
      if (news.length > 0) {
        context.write(newsText(news, flags, context, isFirst));
        isFirst = false;
      }
      await following.changed(QUIET_MS, context.signal);
    }
    return exitCodeOfSignal(context.signal);
  } finally {
    following.close();
  }
}

/** A table has its header once. */
function newsText(news: readonly KubeObject[], flags: GetFlags, context: CliContext, isFirst: boolean): string {
  if (flags.output !== 'table' && flags.output !== 'wide')
    return news.map((object) => oneText(object, flags, context)).join('');
  const text = listText(news, flags, context);
  return isFirst ? text : text.slice(text.indexOf('\n') + 1);
}

function oneText(object: KubeObject, flags: GetFlags, context: CliContext): string {
  switch (flags.output) {
    case 'json':
      return `${JSON.stringify(shownObject(object), null, 2)}\n`;
    case 'yaml':
      return `---\n${stringify(shownObject(object), { lineWidth: 0 })}`;
    case 'name':
    case 'table':
    case 'wide':
      return listText([object], flags, context);
  }
}

function listText(objects: readonly KubeObject[], flags: GetFlags, context: CliContext): string {
  const list = { apiVersion: 'v1', kind: 'List', items: objects.map(shownObject) };
  switch (flags.output) {
    case 'json':
      return `${JSON.stringify(list, null, 2)}\n`;
    case 'yaml':
      return stringify(list, { lineWidth: 0, aliasDuplicateObjects: false });
    case 'name':
      return objects.map((object) => `canary.${viewOf(object).group}/${object.metadata.name}\n`).join('');
    case 'table':
    case 'wide':
      return tableText(rowsOf(objects, flags, context.clock.nowMs()));
  }
}

/** As kubectl shows objects: without the record of who wrote which field. */
function shownObject(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Name first, age last, at most 80 columns of the usual lengths; the group only where both are there. */
function rowsOf(objects: readonly KubeObject[], flags: GetFlags, nowMs: number): readonly (readonly string[])[] {
  const views = objects.map((object) => ({ object, view: viewOf(object) }));
  const hasGroups = new Set(views.map(({ view }) => view.group)).size > 1;
  const isWide = flags.output === 'wide';
  const pick = (cells: readonly (string | null)[]): readonly string[] => cells.filter((cell) => cell !== null);
  const all = flags.allNamespaces === true;
  const header = pick([
    all ? 'NAMESPACE' : null,
    'NAME',
    hasGroups ? 'GROUP' : null,
    'STATUS',
    'WEIGHT',
    'STEP',
    'FAILED',
    'VERSION',
    ...(isWide ? ['TARGET', 'PROVIDER', 'IMAGES', 'MESSAGE'] : [null]),
    'AGE',
  ]);
  const rows = views.map(({ object, view }) =>
    pick([
      all ? view.namespace : null,
      view.name,
      hasGroups ? view.group : null,
      statusWord(object, view),
      `${view.weightPercent}%`,
      view.step === null ? '-' : `${view.step.at}${view.step.of === null ? '' : `/${view.step.of}`}`,
      view.run === null ? '-' : `${view.failedChecks}/${view.threshold}`,
      view.target.version || '-',
      ...(isWide
        ? [
            `${view.target.kind}/${view.target.name}`,
            textOf(object, 'spec', 'provider') || '-',
            view.target.images.join(',') || '-',
            plainText(view.message) || '-',
          ]
        : [null]),
      ageText(nowMs - timeOf(object.metadata.creationTimestamp ?? '')),
    ]),
  );
  return [header, ...rows];
}

function statusWord(object: KubeObject, { phase, isPaused, isRefused }: CanaryView): string {
  if (object.metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (isRefused) return 'Refused';
  return isPaused ? `${phase},paused` : phase || '-';
}
