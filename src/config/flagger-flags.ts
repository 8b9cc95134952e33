// Flagger's flags that serin does not have: those that lost their meaning are accepted and said so, the others refused with what to do.

/** A flag of Flagger. `refusal` null: accepted without effect, for the reason in `note`. */
export interface FlaggerFlag {
  readonly flag: string;
  readonly isSwitch: boolean;
  readonly note: string;
  readonly isRefused: boolean;
}

const accepted = (flag: string, note: string, isSwitch = false): FlaggerFlag => ({
  flag,
  isSwitch,
  note,
  isRefused: false,
});
const refused = (flag: string, note: string, isSwitch = false): FlaggerFlag => ({
  flag,
  isSwitch,
  note,
  isRefused: true,
});

/** Everything of `flagger --help` (1.44) that is not in options.ts, and those of klog's flags that manifests set. */
export const FLAGGER_FLAGS: readonly FlaggerFlag[] = [
  accepted('no-cross-namespace-refs', 'references into other namespaces always need a grant', true),
  accepted('enable-leader-election', 'every replica works, there is no leader', true),
  accepted('leader-election-namespace', 'every replica works, there is no leader'),
  accepted('threadiness', 'see --concurrency'),
  accepted('control-loop-interval', 'work is driven by watches'),
  accepted('kubeconfig-qps', 'see --requests-per-second'),
  accepted('kubeconfig-burst', 'see --requests-per-second'),
  accepted('zap-encoding', 'logs are JSON'),
  accepted('zap-replace-globals', 'logs are JSON', true),
  accepted('v', 'see --log-level'),
  accepted('logtostderr', 'logs go to standard output', true),
  accepted('alsologtostderr', 'logs go to standard output', true),
  accepted('stderrthreshold', 'logs go to standard output'),
  accepted('ingress-annotations-prefix', 'ingress providers come in a later release'),
  accepted('ingress-class', 'ingress providers come in a later release'),
  refused('master', 'must be given by --kubeconfig'),
  refused('kubeconfig-service-mesh', 'a mesh in another cluster comes in a later release, must be left out'),
  refused('msteams-url', 'Microsoft Teams comes in a later release, must be left out'),
  refused('msteams-proxy-url', 'Microsoft Teams comes in a later release, must be left out'),
  refused('version', 'it starts nothing, must be the command serin version', true),
];
