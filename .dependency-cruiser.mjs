// Who may import whom. Every rule says what to do instead. Checked by planted violations in test/house.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Third-party packages and the one folder through which each enters. */
const DOORS = {
  '@kubernetes/client-node|undici': '^src/kube/',
  'axios|ipaddr\\.js': '^src/http/',
  'prometheus-query': '^src/metrics/',
  'bullmq|ioredis|pg|@electric-sql/pglite': '^src/queue/',
  'pino|prom-client': '^src/telemetry/',
  zod: '^src/(api|config)/',
  commander: '^src/cli/',
  fastify: '^src/(server|embedded)/',
  '@marcbachmann/cel-js': '^src/(api|embedded)/',
  'selfsigned|@grpc/grpc-js|@grpc/proto-loader': '^src/embedded/',
  yaml: '^src/(config|cli|embedded|kube)/',
};

const doors = Object.entries(DOORS).map(([packages, folder]) => ({
  name: `one-door-${packages
    .split('|')[0]
    .replaceAll(/[^a-z]+/g, '-')
    .replace(/^-/, '')}`,
  comment: `${packages.replaceAll('\\', '')} enters through ${folder} only: use that folder's contract instead`,
  severity: 'error',
  from: { path: '^src/', pathNot: folder },
  to: { path: `node_modules/(${packages})/` },
}));

const only = (folder, allowed, instead) => ({
  name: `${folder}-imports`,
  comment: `src/${folder} may import ${allowed.join(', ')}: ${instead}`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: [`^src/${folder}/`, ...allowed.map((name) => `^src/${name}`)] },
});

/** What makes a file of these folders a provider: what it exports. */
const PROVIDER_MARKS = {
  mesh: /^export const meshProvider\b/m,
  metrics: /^export function \w+\([^)]*\): (MetricSource|Scraper)\b/m,
  notify: /^export function open\w+Notifier\(/m,
  workload: /^export const \w+: WorkloadProvider\b/m,
};

/** The providers of a folder, as a pattern. A folder that has none has a wrong mark: then the rule would check nothing. */
function providersOf(folder) {
  const path = join(import.meta.dirname, 'src', folder);
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      file.endsWith('.ts') && file !== 'open.ts' && PROVIDER_MARKS[folder].test(readFileSync(join(path, file), 'utf8')),
  );
  if (files.length === 0) throw new Error(`Cannot check src/${folder}: it has no provider, must have one at least`);
  return `^src/${folder}/(${files.join('|').replaceAll('.', '\\.')})$`;
}

const siblings = Object.keys(PROVIDER_MARKS).map((folder) => ({
  name: `${folder}-providers-do-not-meet`,
  comment: 'A provider never imports another: what both need is a file of its own in the folder',
  severity: 'error',
  from: { path: providersOf(folder) },
  to: { path: providersOf(folder) },
}));

const BASE = ['errors\\.ts$', 'util/', 'telemetry/contract\\.ts$'];
const KUBE = ['kube/contract\\.ts$', 'kube/kinds\\.ts$', 'kube/patches\\.ts$'];

export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Break the cycle: move what both need to a third file',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'core-is-pure',
      comment: 'The core imports only itself: pass what it needs in as a value',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { pathNot: '^src/core/' },
    },
    only('util', [], 'a helper that needs more belongs to the room that it serves'),
    only('api', ['core/', 'kube/contract\\.ts$', 'kube/kinds\\.ts$', ...BASE], 'the API knows values, not drivers'),
    only(
      'workload',
      ['core/', 'api/types\\.ts$', 'mesh/contract\\.ts$', 'metrics/contract\\.ts$', ...KUBE, ...BASE],
      'speak to other rooms through contracts',
    ),
    only(
      'mesh',
      ['core/', 'api/types\\.ts$', 'http/contract\\.ts$', ...KUBE, ...BASE],
      'a provider sees its contract and the cluster',
    ),
    only(
      'metrics',
      ['core/', 'api/types\\.ts$', 'mesh/contract\\.ts$', 'http/contract\\.ts$', ...BASE],
      'a source sees its contract and the HTTP port',
    ),
    only(
      'gates',
      ['core/', 'api/types\\.ts$', 'http/contract\\.ts$', ...BASE],
      'hooks see their contract and the HTTP port',
    ),
    only(
      'notify',
      ['core/', 'api/types\\.ts$', 'http/contract\\.ts$', 'gates/contract\\.ts$', ...KUBE, ...BASE],
      'a sink sees its contract and the HTTP port',
    ),
    only('queue', BASE, 'the queue carries keys and knows nothing else'),
    only('kube', BASE, 'the Kubernetes client knows no Canary'),
    only('http', BASE, 'the HTTP client knows no Canary'),
    only('telemetry', ['errors\\.ts$', 'util/'], 'telemetry is given values'),
    only('server', BASE, 'the server is given probes'),
    only('config', ['api/', 'kube/kinds\\.ts$', ...BASE], 'settings are values'),
    only(
      'controller',
      ['core/', '[a-z]+/contract\\.ts$', 'api/types\\.ts$', 'kube/kinds\\.ts$', ...BASE],
      'the loop sees contracts; only compose.ts sees drivers',
    ),
    only(
      'embedded',
      [
        'core/',
        'kube/',
        'compose\\.ts$',
        'config/',
        'cli/',
        'main\\.ts$',
        'api/',
        'queue/',
        'telemetry/',
        'http/',
        ...BASE,
      ],
      'the embedded cluster shares no reading of routes with the providers',
    ),
    {
      name: 'embedded-stays-out',
      comment: 'The embedded cluster is for the demo, tests and simulation: the controller never imports it',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/embedded/' },
      to: { path: '^src/embedded/' },
    },
    {
      name: 'dataplane-knows-no-provider',
      comment:
        "The data plane is written from the vendors' documentation: it must not share a misreading of a provider",
      severity: 'error',
      from: { path: '^src/embedded/(dataplane|actors|apiserver)/' },
      to: { path: '^src/(mesh|controller|workload|core)/' },
    },
    {
      name: 'no-machine',
      comment: 'Rooms of the loop touch no sockets, files or processes: they are given ports',
      severity: 'error',
      from: { path: '^src/(controller|mesh|metrics|notify|gates|workload|api|util)/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|buffer|events|util|url)$' },
    },
    {
      name: 'cli-imports',
      comment: 'A command reads and writes intent on the resource: it steers nothing, so it needs no driver',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: { path: '^src/(mesh|metrics|notify|gates|queue|server|http)/' },
    },
    {
      name: 'no-development-packages',
      comment: 'What is shipped imports only dependencies: the embedded cluster and the tests may use devDependencies',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/embedded/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-unresolved',
      comment: 'The import leads nowhere: correct the path or install the package',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'src-knows-no-tests',
      comment: 'What tests and src both need belongs to src',
      severity: 'error',
      from: { path: '^(src|scripts)/' },
      to: { path: '^test/' },
    },
    ...siblings,
    ...doors,
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
