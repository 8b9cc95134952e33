// The boundaries catch what they forbid: each rule has a planted violation, and the tool has really read the sources.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { someModules } from '../../scripts/check/checks.ts';
import { copyOf, type Copy } from './tree.ts';

/** Rule, planted file and what it imports. */
const PLANTED: readonly (readonly [rule: string, file: string, imports: string])[] = [
  ['core-is-pure', 'src/core/planted-node.ts', 'node:fs'],
  ['core-is-pure', 'src/core/planted-util.ts', '../util/json.ts'],
  ['core-is-pure', 'src/core/planted-package.ts', 'yaml'],
  ['controller-imports', 'src/controller/planted-mesh.ts', '../mesh/istio.ts'],
  ['controller-imports', 'src/controller/planted-kube.ts', '../kube/client.ts'],
  ['controller-imports', 'src/controller/planted-queue.ts', '../queue/bullmq.ts'],
  ['mesh-imports', 'src/mesh/planted-metrics.ts', '../metrics/prometheus.ts'],
  ['mesh-imports', 'src/mesh/planted-kube.ts', '../kube/client.ts'],
  ['metrics-imports', 'src/metrics/planted-http.ts', '../http/client.ts'],
  ['notify-imports', 'src/notify/planted-controller.ts', '../controller/loop.ts'],
  ['gates-imports', 'src/gates/planted-http.ts', '../http/client.ts'],
  ['workload-imports', 'src/workload/planted-api.ts', '../api/parse-canary.ts'],
  ['api-imports', 'src/api/planted-controller.ts', '../controller/status.ts'],
  ['queue-imports', 'src/queue/planted-kube.ts', '../kube/kinds.ts'],
  ['kube-imports', 'src/kube/planted-core.ts', '../core/phase.ts'],
  ['http-imports', 'src/http/planted-api.ts', '../api/types.ts'],
  ['telemetry-imports', 'src/telemetry/planted-core.ts', '../core/phase.ts'],
  ['server-imports', 'src/server/planted-controller.ts', '../controller/loop.ts'],
  ['config-imports', 'src/config/planted-mesh.ts', '../mesh/registry.ts'],
  ['util-imports', 'src/util/planted-errors.ts', '../errors.ts'],
  ['no-machine', 'src/mesh/planted-socket.ts', 'node:net'],
  ['no-machine', 'src/workload/planted-files.ts', 'node:fs'],
  ['cli-imports', 'src/cli/planted-mesh.ts', '../mesh/istio.ts'],
  ['embedded-stays-out', 'src/cli/planted-embedded.ts', '../embedded/apiserver/server.ts'],
  ['embedded-imports', 'src/embedded/demo/planted-controller.ts', '../../controller/act.ts'],
  ['dataplane-knows-no-provider', 'src/embedded/dataplane/planted-mesh.ts', '../../mesh/istio.ts'],
  ['one-door-axios', 'src/mesh/planted-axios.ts', 'axios'],
  ['one-door-kubernetes-client-node', 'src/workload/planted-client.ts', '@kubernetes/client-node'],
  ['one-door-bullmq', 'src/controller/planted-ioredis.ts', 'ioredis'],
  ['one-door-zod', 'src/metrics/planted-zod.ts', 'zod'],
  ['one-door-pino', 'src/http/planted-pino.ts', 'pino'],
  ['one-door-fastify', 'src/gates/planted-fastify.ts', 'fastify'],
  ['one-door-commander', 'src/config/planted-commander.ts', 'commander'],
  ['one-door-prometheus-query', 'src/kube/planted-prometheus.ts', 'prometheus-query'],
  ['one-door-yaml', 'src/notify/planted-yaml.ts', 'yaml'],
  ['no-development-packages', 'src/cli/planted-vitest.ts', 'vitest'],
  ['no-unresolved', 'src/util/planted-nowhere.ts', './nowhere.ts'],
  ['src-knows-no-tests', 'src/queue/planted-test.ts', '../../test/house/tree.ts'],
  ['no-cycles', 'src/util/planted-cycle-a.ts', './planted-cycle-b.ts'],
];
/** The other half of the cycle; a cycle is told once. */
const CYCLE = 'src/util/planted-cycle-b.ts';

/** A provider of each kind that imports another. */
const SIBLINGS = [
  ['mesh', 'export const meshProvider = other;', './istio.ts'],
  ['metrics', 'export function openPlanted(): MetricSource {}', './prometheus.ts'],
  ['notify', 'export function openPlantedNotifier() {}', './webhook.ts'],
  ['workload', 'export const planted: WorkloadProvider = other;', './deployment.ts'],
] as const;

interface Report {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
  };
}

describe('the boundaries', () => {
  let copy: Copy;
  let found: ReadonlySet<string>;
  let text = '';

  beforeAll(() => {
    copy = copyOf(['src', 'scripts', 'test/house', '.dependency-cruiser.mjs', 'tsconfig.json', 'package.json']);
    for (const [, file, imports] of PLANTED)
      copy.plant(file, `// Planted.\nimport * as other from '${imports}';\nother;\n`);
    copy.plant(CYCLE, "// Planted.\nimport * as other from './planted-cycle-a.ts';\nother;\n");
    for (const [folder, mark, imports] of SIBLINGS)
      copy.plant(`src/${folder}/planted-sibling.ts`, `// Planted.\nimport * as other from '${imports}';\n${mark}\n`);
    const args = ['--config', '.dependency-cruiser.mjs', 'src', 'scripts'];
    const { summary } = JSON.parse(copy.run('depcruise', '-T', 'json', ...args).output) as Report;
    found = new Set(summary.violations.map(({ from, rule }) => `${rule.name}: ${from}`));
    expect(summary.totalCruised).toBeGreaterThan(300);
    text = copy.run('depcruise', ...args).output;
  });

  afterAll(() => copy.remove());

  it.each(PLANTED)('%s is broken by %s', (rule, file) => {
    expect([...found]).toContain(`${rule}: ${file}`);
  });

  it.each(SIBLINGS.map(([folder]) => folder))('providers of %s do not meet', (folder) => {
    expect([...found]).toContain(`${folder}-providers-do-not-meet: src/${folder}/planted-sibling.ts`);
  });

  it('are told with what to do instead', () => {
    expect(text).toContain('core-is-pure: src/core/planted-node.ts');
  });

  it('are not believed when nothing was read', () => {
    expect(someModules('no dependency violations found (0 modules, 0 dependencies cruised)')).toContain(
      'read 0 modules',
    );
    expect(someModules('no dependency violations found (373 modules, 1759 dependencies cruised)')).toBeNull();
  });
});
