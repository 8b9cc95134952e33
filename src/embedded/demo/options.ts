// The flags of the demo: which mesh, which protocol, which stories, and how to tell about them.
import { parseArgs } from 'node:util';
import { DATA_PLANE_MESHES, type DataPlaneMesh } from '../dataplane/start.ts';

/** What speaks over the mesh. */
export type Protocol = 'http' | 'grpc';

/** The three stories that the demo can tell. */
export const STORY_NAMES = ['good', 'errors', 'slow'] as const;
export type StoryName = (typeof STORY_NAMES)[number];

/** What was asked for. */
export interface DemoOptions {
  readonly mesh: DataPlaneMesh;
  readonly protocol: Protocol;
  readonly stories: readonly StoryName[];
  /** Ends stdout with one JSON line of all figures. */
  readonly isJson: boolean;
  /** Leaves everything running after the stories, until a signal comes. */
  readonly isKept: boolean;
  /** Shows the controller's log. */
  readonly isVerbose: boolean;
}

/** The outcome of reading the flags. */
export type ReadOptions =
  | { readonly kind: 'options'; readonly options: DemoOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'problem'; readonly message: string };

/** Meshes whose gRPC the demo has manifests for. */
const GRPC_MESHES: readonly DataPlaneMesh[] = ['istio', 'gateway-api', 'appmesh-v1beta1'];

/** The text of --help. */
export const HELP = `Starts a Kubernetes API server, serin and an app on this machine, and tells three stories under load:
a good revision is promoted, one that fails and one that is slow are rolled back.

Usage: npm run demo -- [flags]

  --mesh <name>       ${DATA_PLANE_MESHES.join(', ')} (default istio)
  --protocol <name>   http or grpc; grpc with ${GRPC_MESHES.join(', ')} (default http)
  --only <stories>    some of ${STORY_NAMES.join(', ')}, by commas; none with --keep
  --json              ends with one line of JSON that holds all figures
  --keep              leaves everything running, with load, and prints a KUBECONFIG; Ctrl-C ends it
  --verbose           shows the log of the controller on stderr
  --help              shows this
`;

const FLAGS = {
  mesh: { type: 'string', default: 'istio' },
  protocol: { type: 'string', default: 'http' },
  only: { type: 'string', default: STORY_NAMES.join() },
  json: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Reads the arguments. Never throws for what people wrote. */
export function readOptions(args: readonly string[]): ReadOptions {
  try {
    const { values } = parseArgs({ args: [...args], options: FLAGS, allowPositionals: false });
    if (values.help) return { kind: 'help' };
    const mesh = oneOf('--mesh', values.mesh, DATA_PLANE_MESHES);
    const protocol = oneOf('--protocol', values.protocol, ['http', 'grpc'] as const);
    if (protocol === 'grpc') oneOf('--mesh with --protocol grpc', mesh, GRPC_MESHES);
    const names = values.only === 'none' && values.keep ? [] : values.only.split(',');
    const stories = names.map((name) => oneOf('--only', name, STORY_NAMES));
    return {
      kind: 'options',
      options: { mesh, protocol, stories, isJson: values.json, isKept: values.keep, isVerbose: values.verbose },
    };
  } catch (error) {
    return { kind: 'problem', message: error instanceof Error ? error.message : String(error) };
  }
}

function oneOf<const T extends string>(flag: string, value: string, known: readonly T[]): T {
  const found = known.find((name) => name === value);
  if (found === undefined) throw new RangeError(`Cannot use ${flag} ${value}: must be one of ${known.join(', ')}`);
  return found;
}
