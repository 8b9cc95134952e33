// Planted bugs: each is a change of one place in a copy of the source, and the simulation must see it.

/** One planted bug. `find` must occur in the file exactly once; the runs named in `args` must end with a violation. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Further changes that belong to the same bug. */
  readonly also?: readonly { readonly file: string; readonly find: string; readonly replace: string }[];
  /** Arguments of `npm run sim` that are enough to see it. */
  readonly args: readonly string[];
}

const SEEDS = ['--plans', 'none', '--seeds', '60'];

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'RV dropped',
    file: 'src/kube/client.ts',
    find: 'checkPatch(ref, operations);',
    replace: "operations = operations.filter(({ path }) => path !== '/metadata/resourceVersion');",
    args: ['--plans', 'reference', '--seeds', '0'],
  },
  {
    name: 'act before record',
    file: 'src/controller/reconcile.ts',
    find: '  const isRecorded = await record(',
    replace: '  await act(decision.effects, found, decision.next, use, options);\n  const isRecorded = await record(',
    args: ['--plans', 'reference', '--seeds', '0'],
  },
  {
    name: 'live target promoted',
    file: 'src/workload/promotion.ts',
    find: '  const pinned = await readPinned(kube, canary, revision, options);',
    replace: '  const pinned = found.content ?? (await readPinned(kube, canary, revision, options));',
    args: SEEDS,
  },
  {
    name: 'fresh GET on 409',
    file: 'src/kube/client.ts',
    find: '    return this.#written(await this.#caller.send(call), ref, call);\n  }\n\n  async replaceStatus',
    replace:
      "    const first = await this.#caller.send(call);\n    if (first.status !== 409) return this.#written(first, ref, call);\n    const fresh = await this.get(ref, options);\n    const version = fresh?.metadata.resourceVersion ?? '';\n    const again = operations.map((one) => (one.path === '/metadata/resourceVersion' ? { ...one, value: version } : one));\n    const retry = callOf('patch', 'PATCH', ref, path, options, 'application/json-patch+json', again);\n    return this.#written(await this.#caller.send(retry), ref, retry);\n  }\n\n  async replaceStatus",
    args: ['--plans', 'all', '--only', '/pause', '--seeds', '0'],
  },
  {
    name: 'fence skipped',
    file: 'src/core/world.ts',
    find: '  if (state.fence === null) return [];',
    replace: '  if (state.fence !== undefined) return [];',
    args: ['--plans', 'reference', '--seeds', '0'],
  },
  {
    name: 'stale cache believed',
    file: 'src/kube/client.ts',
    find: "    const ref = checkVersioned('replace the status of', object, kind);\n",
    replace:
      "    const ref = checkVersioned('replace the status of', object, kind);\n    const now = await this.get(ref);\n    object = { ...object, metadata: { ...object.metadata, resourceVersion: now?.metadata.resourceVersion ?? '' } };\n",
    args: ['--plans', 'all', '--only', '/pause', '--seeds', '0'],
  },
  {
    name: 'NaN passes',
    file: 'src/core/analysis/verdict.ts',
    find: '  const isWithin =',
    replace: '  const isWithin = !(check.min !== null && sample.value < check.min) ||',
    also: [
      {
        file: 'src/core/analysis/verdict.ts',
        find: 'if (!Number.isFinite(sample.value)) {',
        replace: 'if (sample.value === undefined) {',
      },
      { file: 'src/metrics/samples.ts', find: "return { not: 'NaN' };", replace: 'return { finite: Number.NaN };' },
    ],
    args: SEEDS,
  },
  {
    name: 'Failed before 100/0',
    file: 'src/core/machine.ts',
    find: "['budgetSpent',          'RollingBack',      'strikeOut'],",
    replace: "['budgetSpent', 'Failed', 'fail'],",
    args: ['--plans', 'reference', '--seeds', '0'],
  },
  {
    name: 'scale down before live 0',
    file: 'src/core/effects.ts',
    find: 'isDrained(state, seen) ? [zero] : [];',
    replace: '[zero];',
    args: ['--plans', 'reference', '--seeds', '0'],
  },
  {
    name: 'outbox lost',
    file: 'src/controller/outbox.ts',
    find: 'outbox: kept,',
    replace: 'outbox: next.outbox,',
    args: ['--plans', 'reference', '--seeds', '0'],
  },
  {
    name: 'counted per look instead of per tick',
    file: 'src/core/signals.ts',
    find: 'seen.nowMs < state.run.nextCheckAtMs) return false;',
    replace: 'seen.nowMs < 0) return false;',
    args: ['--plans', 'reference', '--seeds', '0'],
  },
  {
    name: 'job data trusted',
    file: 'src/controller/keys.ts',
    find: "if (!groups.includes(group) || namespace === '' || name === '') return null;",
    replace: "if (groups.length === 0 || namespace === '' || name === '') return null;",
    args: SEEDS,
  },
  {
    name: 'verdict of an old revision used',
    file: 'src/core/updates.ts',
    find: '    step: 0,\n',
    replace: '    step: state.run?.step ?? 0,\n',
    args: ['--plans', 'none', '--seeds', '200'],
  },
  {
    name: 'foreign route overwritten',
    file: 'src/mesh/route-driver.ts',
    find: '    ...(adopted?.operations ?? []),\n    ...weightOps(found, plan.backends, want.weightPercent),',
    replace: "    { op: 'replace', path: '/spec/http', value: plan.route.spec['http'] },",
    args: ['--plans', 'reference', '--seeds', '0'],
  },
  {
    name: 'lost wake-up',
    file: 'src/controller/loop.ts',
    find: '    this.#dueAtMs.set(key, Math.min(this.#dueAtMs.get(key) ?? dueAtMs, dueAtMs));\n',
    replace: '    if (dueAtMs < 0) this.#dueAtMs.set(key, dueAtMs);\n',
    args: SEEDS,
  },
];
