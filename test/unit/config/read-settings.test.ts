// readSettings(): precedence, types, every problem at once, near matches, and secrets that never show.
import { describe, expect, it } from 'vitest';
import { helpText, optionRows } from '../../../src/config/help.ts';
import { describeSettings, readSettings, type ReadSettings } from '../../../src/config/read-settings.ts';
import type { Settings } from '../../../src/config/options.ts';

interface Given {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}

function read({ args = [], env = {}, files = {} }: Given): ReadSettings {
  return readSettings({
    args,
    env,
    readFile(path) {
      const text = files[path];
      if (text === undefined) throw new Error(`ENOENT: no such file "${path}"`);
      return text;
    },
  });
}

function settingsOf(given: Given): Settings {
  const result = read(given);
  if (result.kind === 'invalid') throw new Error(result.problems.join('\n'));
  return result.settings;
}

function problemsOf(given: Given): readonly string[] {
  const result = read(given);
  return result.kind === 'invalid' ? result.problems : [];
}

describe('defaults', () => {
  it('are enough to start', () => {
    expect(settingsOf({})).toEqual({
      cluster: {
        kubeconfig: null,
        namespace: null,
        apiGroups: ['serin.dev'],
        clusterName: '',
        requestsPerSecond: 1000,
      },
      canaries: {
        meshProvider: null,
        metricsServer: 'scrape',
        istiodDebugUrl: [],
        istiodDebugTokenFile: null,
        selectorLabels: ['app', 'name', 'app.kubernetes.io/name'],
        includeLabelPrefix: [],
        enableConfigTracking: true,
      },
      queue: {
        redisUrl: null,
        postgresUrl: null,
        queueName: 'serin',
        queueCaFile: null,
        queueDirectory: null,
        concurrency: 256,
        resyncIntervalMs: 30_000,
        replicaCount: 1,
        replicaName: null,
      },
      notify: {
        eventWebhook: null,
        eventWebhookSecret: null,
        slackUrl: null,
        slackToken: null,
        slackProxyUrl: null,
        slackUser: 'serin',
        slackChannel: '',
      },
      outgoing: { allowLoopback: false, allowHosts: [] },
      server: { bindAddress: '0.0.0.0', port: 8080 },
      log: { logLevel: 'info' },
    });
  });

  it('are frozen', () => {
    const settings = settingsOf({});
    expect(Object.isFrozen(settings)).toBe(true);
    expect(Object.isFrozen(settings.queue)).toBe(true);
  });
});

describe('sources', () => {
  const files = {
    'serin.yaml':
      'port: 1\nclusterName: file\nlogLevel: debug\nselectorLabels: [app, team]\nenableConfigTracking: false\nresyncInterval: 1m30s\n',
  };

  it('flags win over the environment, that over the file, that over the default', () => {
    const settings = settingsOf({
      args: ['--config=serin.yaml', '--port=3'],
      env: { SERIN_PORT: '2', SERIN_CLUSTER_NAME: 'env' },
      files,
    });
    expect(settings.server.port).toBe(3);
    expect(settings.cluster.clusterName).toBe('env');
    expect(settings).toMatchObject({
      log: { logLevel: 'debug' },
      canaries: { selectorLabels: ['app', 'team'], enableConfigTracking: false },
      queue: { resyncIntervalMs: 90_000, concurrency: 256 },
    });
  });

  it('the file may be named by the environment', () => {
    expect(settingsOf({ env: { SERIN_CONFIG: 'serin.yaml' }, files }).server.port).toBe(1);
  });

  it.each([[['--port', '9']], [['--port=9']], [['-port=9']], [['-port', '9']]])('takes %j', (args) => {
    expect(settingsOf({ args }).server.port).toBe(9);
  });

  it('takes switches without and with a value', () => {
    expect(settingsOf({ args: ['--allow-loopback', '--enable-config-tracking=false'] })).toMatchObject({
      outgoing: { allowLoopback: true },
      canaries: { enableConfigTracking: false },
    });
  });

  it("takes Flagger's environment variables; ours win", () => {
    const env = {
      SLACK_URL: 'https://slack.example/a',
      SLACK_TOKEN: 'xoxb-1',
      EVENT_WEBHOOK_URL: 'https://events.example',
      SERIN_SLACK_URL: 'https://slack.example/b',
      SERIN_SLACK_CHANNEL: 'c',
    };
    expect(settingsOf({ env }).notify).toMatchObject({
      slackUrl: 'https://slack.example/b',
      slackToken: 'xoxb-1',
      eventWebhook: 'https://events.example',
    });
  });

  it("takes a Flagger Deployment's arguments as they are, and says what has no effect", () => {
    const result = read({
      args: [
        '-log-level=info',
        '-include-label-prefix=app.kubernetes.io',
        '-mesh-provider=istio',
        '-metrics-server=http://prometheus:9090',
        '-enable-config-tracking=true',
        '-slack-user=flagger',
        '-enable-leader-election=true',
        '-threadiness',
        '4',
        '-no-cross-namespace-refs',
      ],
    });
    expect(result).toMatchObject({
      kind: 'valid',
      settings: {
        canaries: {
          meshProvider: 'istio',
          metricsServer: 'http://prometheus:9090',
          includeLabelPrefix: ['app.kubernetes.io'],
        },
      },
      notes: [
        '--enable-leader-election has no effect: every replica works, there is no leader',
        '--threadiness has no effect: see --concurrency',
        '--no-cross-namespace-refs has no effect: references into other namespaces always need a grant',
      ],
    });
  });

  it('is not misled by what Kubernetes sets for a Service named serin', () => {
    const env = {
      SERIN_PORT: 'tcp://10.96.0.7:8080',
      SERIN_SERVICE_HOST: '10.96.0.7',
      SERIN_SERVICE_PORT_HTTP: '8080',
      SERIN_PORT_8080_TCP_ADDR: '10.96.0.7',
      SERIN_VALKEY_SERVICE_HOST: '10.96.0.8',
    };
    expect(settingsOf({ env }).server.port).toBe(8080);
  });

  it('takes both groups', () => {
    expect(settingsOf({ args: ['--api-groups', 'flagger.app, serin.dev'] }).cluster.apiGroups).toEqual([
      'serin.dev',
      'flagger.app',
    ]);
  });
});

describe('problems', () => {
  it('are all listed at once, each with where and what would be right', () => {
    const given = {
      args: ['--port=x', '--config=a.yaml'],
      env: { SERIN_RESYNC_INTERVAL: 'soon', SERIN_LOG_LEVEL: 'loud' },
      files: { 'a.yaml': 'meshProvider: nginx\nmetricServer: http://p\n' },
    };
    expect(problemsOf(given)).toEqual([
      'Cannot use metricServer in a.yaml: it is unknown, must perhaps be metricsServer',
      'Cannot use meshProvider in a.yaml: "nginx" comes in a later release, must be one of appmesh-v1beta1, appmesh-v1beta2, gateway-api, istio, kubernetes, smi',
      'Cannot use SERIN_RESYNC_INTERVAL: "soon" must be a duration from 1s to 24h, such as 30s or 1m',
      'Cannot use --port: "x" must be a whole number from 0 to 65535',
      'Cannot use SERIN_LOG_LEVEL: "loud" must be one of debug, info, warn, error',
    ]);
  });

  it.each([
    {
      given: { args: ['--mesh-provder=istio'] },
      problem: 'Cannot use --mesh-provder: it is unknown, must perhaps be --mesh-provider',
    },
    {
      given: { args: ['--frobnicate-the-thing'] },
      problem: 'Cannot use --frobnicate-the-thing: it is unknown, must be one of those in --help',
    },
    {
      given: { args: ['--mesh-provider=isto'] },
      problem:
        'Cannot use --mesh-provider: "isto" is unknown, must be one of appmesh-v1beta1, appmesh-v1beta2, gateway-api, istio, kubernetes, smi',
    },
    {
      given: { env: { SERIN_REDIS_ULR: 'x' } },
      problem: 'Cannot use SERIN_REDIS_ULR: it is unknown, must perhaps be SERIN_REDIS_URL',
    },
    { given: { args: ['--port'] }, problem: 'Cannot use --port: its value is missing, must be --port=<value>' },
    {
      given: { args: ['start'] },
      problem: 'Cannot use argument 1: it is not a flag, must be such as --namespace=shop',
    },
    {
      given: { args: ['--config=none.yaml'] },
      problem: 'Cannot use --config: the file cannot be read (ENOENT: no such file "none.yaml")',
    },
    {
      given: { args: ['--config=a'], files: { a: '- port' } },
      problem: 'Cannot read a: it is not a map, must be such as "port: 8080"',
    },
    {
      given: { args: ['--config=a'], files: { a: 'port: {a: b}' } },
      problem: 'Cannot use port in a: it is neither a value nor a list of values',
    },
    {
      given: { args: ['--msteams-url=https://x'] },
      problem: 'Cannot use --msteams-url: Microsoft Teams comes in a later release, must be left out',
    },
    {
      given: { env: { MSTEAMS_URL: 'https://x' } },
      problem: 'Cannot use MSTEAMS_URL: Microsoft Teams comes in a later release, must be left out',
    },
    {
      given: { args: ['-version'] },
      problem: 'Cannot use --version: it starts nothing, must be the command serin version',
    },
    {
      given: { args: ['--api-groups=serin.dev,flagger.ap'] },
      problem: 'Cannot use --api-groups: "flagger.ap" is unknown, must be some of serin.dev, flagger.app',
    },
    {
      given: { args: ['--api-groups='] },
      problem: 'Cannot use --api-groups: must name at least one of serin.dev, flagger.app',
    },
    {
      given: { args: ['--enable-config-tracking=yes'] },
      problem: 'Cannot use --enable-config-tracking: "yes" must be true or false',
    },
    {
      given: { args: ['--istiod-debug-url=http://a:15014,istiod:8080'] },
      problem: 'Cannot use --istiod-debug-url: "istiod:8080" is no URL, must begin with http:// or https://',
    },
    {
      given: { args: ['--metrics-server='] },
      problem: 'Cannot use --metrics-server: is empty, must be a URL or scrape',
    },
    {
      given: { args: ['--replica-count=2'] },
      problem:
        'Cannot use --replica-count 2: the queue inside the process serves one replica, must be 1 or have --redis-url or --postgres-url',
    },
    {
      given: { args: ['--redis-url=redis://a', '--postgres-url=postgres://b'] },
      problem: 'Cannot use --postgres-url: --redis-url is given too, must be one of them',
    },
    {
      given: { args: ['--slack-url=https://slack.example/x'] },
      problem: 'Cannot use Slack: --slack-channel is missing, must be the channel of the messages',
    },
    {
      given: { args: ['--event-webhook-secret=k'] },
      problem: 'Cannot use --event-webhook-secret: --event-webhook is missing, must be the URL whose events are signed',
    },
  ])('$problem', ({ given, problem }) => {
    expect(problemsOf(given)).toEqual([problem]);
  });

  it('says where a YAML file breaks', () => {
    expect(problemsOf({ args: ['--config=a'], files: { a: 'port: [1' } })[0]).toMatch(/^Cannot read a: /);
  });
});

describe('secrets', () => {
  const files = { '/run/slack': 'https://slack.example/hunter2\n' };

  it('can be given as files, by flag, environment and file', () => {
    const expected = 'https://slack.example/hunter2';
    const channel = '--slack-channel=c';
    expect(settingsOf({ args: [channel, '--slack-url-file=/run/slack'], files }).notify.slackUrl).toBe(expected);
    expect(settingsOf({ args: [channel], env: { SERIN_SLACK_URL_FILE: '/run/slack' }, files }).notify.slackUrl).toBe(
      expected,
    );
    expect(
      settingsOf({ args: [channel, '--config=a'], files: { ...files, a: 'slackUrlFile: /run/slack' } }).notify.slackUrl,
    ).toBe(expected);
  });

  it('cannot be given twice in one place; a higher place wins over a lower one', () => {
    expect(
      problemsOf({ args: ['--slack-channel=c', '--slack-url=https://a', '--slack-url-file=/run/slack'], files }),
    ).toEqual(['Cannot use --slack-url-file: --slack-url is given too, must be one of them']);
    expect(
      settingsOf({
        args: ['--slack-channel=c', '--slack-url=https://a'],
        env: { SERIN_SLACK_URL_FILE: '/run/slack' },
        files,
      }).notify.slackUrl,
    ).toBe('https://a');
  });

  it('other options have no file', () => {
    expect(problemsOf({ args: ['--port-file=/run/port'] })[0]).toContain('it is unknown');
  });

  it('show neither in problems nor in the description of the settings', () => {
    const secret = 'hunter2';
    const args = [
      `--redis-url=http://:${secret}@redis`,
      '--slack-tokn',
      secret,
      secret,
      `--event-webhook=ftp://${secret}`,
    ];
    expect(problemsOf({ args }).length).toBe(4);
    expect(JSON.stringify(problemsOf({ args }))).not.toContain(secret);
    const settings = settingsOf({
      args: [`--redis-url=redis://:${secret}@redis`, `--event-webhook=https://events/${secret}`],
    });
    const shown = describeSettings(settings);
    expect(JSON.stringify(shown)).not.toContain(secret);
    expect(shown).toMatchObject({ 'redis-url': 'set', 'postgres-url': 'unset', port: 8080 });
  });
});

describe('help', () => {
  it('tells every option with its default', () => {
    const text = helpText();
    for (const { flag, sentence } of optionRows()) {
      expect(text).toContain(flag);
      expect(text).toContain(sentence);
    }
    expect(text).toContain('Default scrape.');
  });

  it('shows no option twice, by any of its names', () => {
    const names = optionRows()
      .flatMap(({ flag, env, fileKey }) => [flag, ...env, fileKey])
      .filter((name) => name !== '');
    expect(new Set(names).size).toBe(names.length);
  });
});
