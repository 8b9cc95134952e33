// The one schema of the configuration: every option of the controller, grouped by what it is for.
import { CANARY_GROUPS } from '../kube/kinds.ts';
import { resolveProvider, SERVED_PROVIDER_NAMES } from '../api/provider-names.ts';
import {
  choicesValue,
  choiceValue,
  durationValue,
  listValue,
  Mistake,
  option,
  switchValue,
  textValue,
  urlValue,
  wholeValue,
  wordValue,
  type Option,
  type ValueType,
} from './option.ts';

/** Any served provider, by our name or Flagger's. */
const providerValue: ValueType<string | null> = {
  word: '<name>',
  read(text) {
    if (text === '' || resolveProvider(text).kind === 'served') return text === '' ? null : text;
    const why = resolveProvider(text).kind === 'later' ? 'comes in a later release' : 'is unknown';
    return new Mistake(`"${text.slice(0, 60)}" ${why}, must be one of ${SERVED_PROVIDER_NAMES.join(', ')}`);
  },
  show: (value) => value ?? '',
};

/** URLs, divided by commas. */
const urlsValue: ValueType<readonly string[]> = {
  word: '<list>',
  read(text) {
    const urls = text.split(',').flatMap((part) => part.trim() || []);
    const wrong = urls.find((url) => typeof urlValue('http', 'https').read(url) !== 'string');
    return wrong === undefined
      ? urls
      : new Mistake(`"${wrong.slice(0, 60)}" is no URL, must begin with http:// or https://`);
  },
  show: (value) => value.join(','),
};

/** `scrape`, or the URL of a Prometheus. */
const metricsServerValue: ValueType<string> = {
  word: '<url|scrape>',
  read(text) {
    if (text === 'scrape') return text;
    return urlValue('http', 'https').read(text) ?? new Mistake('is empty, must be a URL or scrape');
  },
  show: (value) => value,
};

const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;
const secret = { isSecret: true } as const;

/** All options, by group. The groups are the members of `Settings`. */
export const OPTIONS = {
  cluster: {
    kubeconfig: option(
      'kubeconfig',
      textValue('<path>'),
      null,
      'Kubeconfig of the cluster; without it KUBECONFIG, ~/.kube/config, or the account of the pod.',
    ),
    namespace: option(
      'namespace',
      textValue('<name>'),
      null,
      'Works only the Canaries of this namespace; all namespaces when unset.',
    ),
    apiGroups: option(
      'api-groups',
      choicesValue(CANARY_GROUPS),
      ['serin.dev'],
      'API groups whose Canaries are worked. Add flagger.app only when no Flagger works there any more.',
    ),
    clusterName: option('cluster-name', wordValue('<name>'), '', 'Name of the cluster, shown in alerts.'),
    requestsPerSecond: option(
      'requests-per-second',
      wholeValue(1, 100_000),
      1000,
      'Most requests a second to the API server, rollbacks first.',
    ),
  },
  canaries: {
    meshProvider: option(
      'mesh-provider',
      providerValue,
      null,
      'Mesh provider of Canaries that name none; when unset, each must name its own.',
    ),
    metricsServer: option(
      'metrics-server',
      metricsServerValue,
      'scrape',
      'Where built-in checks and inline queries are asked: URL of a Prometheus, or scrape for the proxies themselves.',
    ),
    istiodDebugUrl: option(
      'istiod-debug-url',
      urlsValue,
      [],
      'Debug endpoints of all istiods, such as http://istiod.istio-system:15014: asked which weight is live, which is unknown without.',
    ),
    istiodDebugTokenFile: option(
      'istiod-debug-token-file',
      textValue('<path>'),
      null,
      'File with the token for --istiod-debug-url, read anew each time.',
    ),
    selectorLabels: option(
      'selector-labels',
      listValue,
      ['app', 'name', 'app.kubernetes.io/name'],
      'Labels by which pods may be selected, the first that a target has counts.',
    ),
    includeLabelPrefix: option(
      'include-label-prefix',
      listValue,
      [],
      'Labels and annotations with these prefixes are copied from targets to primaries; * copies all.',
    ),
    enableConfigTracking: option(
      'enable-config-tracking',
      switchValue,
      true,
      'Follows ConfigMaps and Secrets of the targets.',
    ),
  },
  queue: {
    redisUrl: option(
      'redis-url',
      urlValue('redis', 'rediss'),
      null,
      'Redis or Valkey for the queue; rediss:// for TLS.',
      secret,
    ),
    postgresUrl: option(
      'postgres-url',
      urlValue('postgres', 'postgresql'),
      null,
      'PostgreSQL for the queue. Without this and --redis-url the queue lives in the process, for one replica.',
      secret,
    ),
    queueName: option(
      'queue-name',
      wordValue('<name>'),
      'serin',
      'Name of the queue, for installations that share a store.',
    ),
    queueCaFile: option(
      'queue-ca-file',
      textValue('<path>'),
      null,
      'PEM file of the authority that signed the certificate of the queue store.',
    ),
    queueDirectory: option(
      'queue-directory',
      textValue('<path>'),
      null,
      'Directory of the queue inside the process; in memory when unset.',
    ),
    concurrency: option(
      'concurrency',
      wholeValue(1, 10_000),
      256,
      'Canaries worked at the same time; one that waits for a slow webhook counts too.',
    ),
    resyncInterval: option(
      'resync-interval',
      durationValue(SECOND_MS, 24 * HOUR_MS),
      30 * SECOND_MS,
      'How often Canaries that are due without a job are looked for.',
    ),
    replicaCount: option(
      'replica-count',
      wholeValue(1, 1000),
      1,
      'Replicas of this installation; more than one needs --redis-url or --postgres-url.',
    ),
    replicaName: option(
      'replica-name',
      textValue('<name>'),
      null,
      'Name of this replica in Events and logs; the host name when unset.',
      { env: ['POD_NAME'] },
    ),
  },
  notify: {
    eventWebhook: option('event-webhook', urlValue('http', 'https'), null, 'URL that gets every event as JSON.', {
      ...secret,
      env: ['EVENT_WEBHOOK_URL'],
    }),
    eventWebhookSecret: option(
      'event-webhook-secret',
      textValue('<key>'),
      null,
      'Key that signs these events, as in Standard Webhooks.',
      secret,
    ),
    slackUrl: option(
      'slack-url',
      urlValue('http', 'https'),
      null,
      'Slack: URL of an incoming webhook, or of the Web API.',
      { ...secret, env: ['SLACK_URL'] },
    ),
    slackToken: option('slack-token', textValue('<token>'), null, 'Slack: token of the Web API.', {
      ...secret,
      env: ['SLACK_TOKEN'],
    }),
    slackProxyUrl: option('slack-proxy-url', urlValue('http', 'https'), null, 'Slack: URL of a proxy.', {
      env: ['SLACK_PROXY_URL'],
    }),
    slackUser: option('slack-user', wordValue('<name>'), 'serin', 'Slack: name under which messages appear.'),
    slackChannel: option('slack-channel', wordValue('<name>'), '', 'Slack: channel of the messages.'),
  },
  outgoing: {
    allowLoopback: option(
      'allow-loopback',
      switchValue,
      false,
      'Lets URLs in resources point at loopback addresses; for demo and development.',
    ),
    allowHosts: option(
      'allow-hosts',
      listValue,
      [],
      'Hosts, or host:port, that URLs in resources may point at although their addresses are denied.',
    ),
  },
  server: {
    bindAddress: option(
      'bind-address',
      wordValue('<address>'),
      '0.0.0.0',
      'Address on which health, metrics and API are served.',
    ),
    port: option(
      'port',
      wholeValue(0, 65_535),
      8080,
      'Port on which health, metrics and API are served; 0 takes a free one.',
    ),
  },
  log: {
    logLevel: option(
      'log-level',
      choiceValue(['debug', 'info', 'warn', 'error'], { warning: 'warn', fatal: 'error', panic: 'error' }),
      'info',
      'Least level that is logged.',
    ),
  },
} as const;

type Value<O> = O extends Option<infer T> ? T : never;
type MillisecondKeys = 'resyncInterval';
/** Durations end in Ms in the settings. */
type SettingName<N> = N extends MillisecondKeys ? `${N}Ms` : N;

/** What the process needs to know, parsed once and frozen. */
export type Settings = {
  readonly [G in keyof typeof OPTIONS]: {
    readonly [N in keyof (typeof OPTIONS)[G] as SettingName<N>]: Value<(typeof OPTIONS)[G][N]>;
  };
};

/** An option with where it stands. */
export interface PlacedOption {
  readonly group: string;
  /** Its name among the settings. */
  readonly setting: string;
  readonly option: Option<unknown>;
}

/** Every option, in the order of the help. */
export const ALL_OPTIONS: readonly PlacedOption[] = Object.entries(OPTIONS).flatMap(([group, options]) =>
  Object.entries(options).map(([name, one]) => ({
    group,
    setting: (one as Option<unknown>).type.word === '<duration>' ? `${name}Ms` : name,
    option: one as Option<unknown>,
  })),
);

/** Says what groups are for, in help and reference. */
export const GROUP_TITLES: Readonly<Record<keyof typeof OPTIONS, string>> = {
  cluster: 'Cluster',
  canaries: 'Canaries',
  queue: 'Queue',
  notify: 'Notifications',
  outgoing: 'Outgoing calls',
  server: 'Server',
  log: 'Logs',
};
