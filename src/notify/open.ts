// Opens the sinks of one Canary from the settings, its alerts and its hooks, by Flagger's rules of which replaces which.
import type { AlertProvider, Canary } from '../api/types.ts';
import type { Alert } from '../core/policy.ts';
import type { HookCaller } from '../gates/contract.ts';
import type { HttpClient } from '../http/contract.ts';
import type { KubeClient } from '../kube/contract.ts';
import type { Clock } from '../util/clock.ts';
import type { Notifier } from './contract.ts';
import { openEventNotifier } from './event.ts';
import { openHookNotifier } from './hooks.ts';
import { openSlackAppNotifier } from './slack-app.ts';
import { openSlackWebhookNotifier } from './slack-webhook.ts';
import { openWebhookNotifier } from './webhook.ts';

/** The controller-wide settings that concern sinks; null or empty is unset. */
export interface NotifySettings {
  readonly slackUrl: string | null;
  readonly slackToken: string | null;
  readonly slackChannel: string;
  readonly slackUser: string;
  readonly slackProxyUrl: string | null;
  readonly eventWebhook: string | null;
  readonly eventWebhookSecret: string | null;
}

/** What the sinks are built on. */
export interface NotifyPorts {
  readonly http: HttpClient;
  readonly hooks: HookCaller;
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly settings: NotifySettings;
  /** Name of this replica. */
  readonly reportingInstance: string;
}

/** One entry of spec.analysis.alerts with what it refers to; null is not found or not readable. */
export interface ResolvedAlert {
  readonly alert: Alert;
  readonly provider: AlertProvider | null;
  /** The decoded values of the provider's Secret; null when it names none. */
  readonly secret: Readonly<Record<string, string>> | null;
}

/** The sinks of a Canary, and what keeps an alert from having one: for a condition, in words without secrets. */
export interface CanarySinks {
  readonly notifiers: readonly Notifier[];
  readonly problems: readonly string[];
}

/** Opens sinks per Canary. */
export interface Notifiers {
  /** What is wrong with the settings themselves; for the log at the start. */
  readonly problems: readonly string[];
  forCanary(canary: Canary, alerts: readonly ResolvedAlert[]): CanarySinks;
}

const SLACK_API_URL = 'https://slack.com/api';
const POST_MESSAGE = '/chat.postMessage';
/** Types that Flagger has and serin does not have yet. */
const LATER_TYPES: ReadonlySet<string> = new Set(['msteams', 'discord', 'rocket', 'gchat', 'slack-api']);
export const ALERT_TYPES = ['slack', 'webhook'] as const;

/** What makes a Slack sink. */
interface SlackTarget {
  readonly sink: string;
  readonly address: string | null;
  readonly token: string | null;
  readonly channel: string;
  readonly username: string;
  readonly proxyUrl: string | null;
  readonly severity: Alert['severity'];
}

/**
 * Opens the sinks: Kubernetes Events always; the Canary's alerts, or else the global Slack; its event hooks, or else the
 * global event webhook; its post-rollout hooks.
 */
export function openNotifiers(ports: NotifyPorts): Notifiers {
  const events = openEventNotifier(ports.kube, { reportingInstance: ports.reportingInstance });
  const slack = openGlobalSlack(ports);
  return {
    problems: typeof slack === 'string' ? [`Cannot send alerts to the global Slack: ${slack}`] : [],
    forCanary(canary, alerts): CanarySinks {
      const problems: string[] = [];
      const notifiers: Notifier[] = [events];
      if (canary.policy.alerts.length === 0 && slack !== null && typeof slack !== 'string') notifiers.push(slack);
      for (const [index, resolved] of alerts.entries()) {
        const opened = openAlert(ports, canary, resolved, sinkOf(canary, alerts, index));
        if (typeof opened === 'string') problems.push(opened);
        else notifiers.push(opened);
      }
      const hooks = canary.policy.hooks.flatMap((hook) => openHookNotifier(ports.hooks, hook, events) ?? []);
      notifiers.push(...hooks);
      if (!canary.policy.hooks.some((hook) => hook.type === 'event')) notifiers.push(...openGlobalWebhook(ports));
      return { notifiers, problems };
    },
  };
}

/** `alert/<namespace>/<name>`; a name that was used before in the list gets its place. */
function sinkOf(canary: Canary, alerts: readonly ResolvedAlert[], index: number): string {
  const nameOf = ({ alert }: ResolvedAlert): string =>
    `alert/${alert.provider.namespace ?? canary.identity.namespace}/${alert.name}`;
  const resolved = alerts[index];
  if (resolved === undefined) return `alert/${canary.identity.namespace}/${index}`;
  const name = nameOf(resolved);
  return alerts.slice(0, index).some((earlier) => nameOf(earlier) === name) ? `${name}/${index}` : name;
}

/** The global Slack sink; null when none is asked for, a text when the settings do not make one. */
function openGlobalSlack(ports: NotifyPorts): Notifier | string | null {
  const { settings } = ports;
  const address = emptyToNull(settings.slackUrl);
  const token = emptyToNull(settings.slackToken);
  if (address === null && token === null) return null;
  return openSlack(ports.http, {
    sink: 'slack',
    address,
    token,
    channel: settings.slackChannel,
    username: settings.slackUser,
    proxyUrl: emptyToNull(settings.slackProxyUrl),
    severity: 'info',
  });
}

function openGlobalWebhook(ports: NotifyPorts): readonly Notifier[] {
  const url = emptyToNull(ports.settings.eventWebhook);
  if (url === null) return [];
  const secret = emptyToNull(ports.settings.eventWebhookSecret);
  return [
    openWebhookNotifier(ports.http, ports.clock, { sink: 'webhook', url, secret, proxyUrl: null, severity: null }),
  ];
}

/** The sink of one alert, or what is wrong with it. */
function openAlert(ports: NotifyPorts, canary: Canary, resolved: ResolvedAlert, sink: string): Notifier | string {
  const { alert, provider, secret } = resolved;
  const where = `alert "${alert.name}"`;
  const namespace = alert.provider.namespace ?? canary.identity.namespace;
  if (provider === null) return `Cannot send ${where}: there is no AlertProvider "${namespace}/${alert.provider.name}"`;
  if (provider.secretName !== null && secret === null) {
    return `Cannot send ${where}: Secret "${provider.namespace}/${provider.secretName}" is missing or unreadable`;
  }
  const address = emptyToNull(secret?.['address']) ?? emptyToNull(provider.address);
  const proxyUrl = emptyToNull(provider.proxy);
  if (provider.type === 'slack') {
    const token = emptyToNull(secret?.['token']);
    const { channel, username } = provider;
    const opened = openSlack(ports.http, {
      sink,
      address,
      token,
      channel,
      username,
      proxyUrl,
      severity: alert.severity,
    });
    return typeof opened === 'string' ? `Cannot send ${where}: ${opened}` : opened;
  }
  if (provider.type === 'webhook') {
    if (address === null)
      return `Cannot send ${where}: AlertProvider "${provider.namespace}/${provider.name}" has no address`;
    const options = { sink, url: address, secret: emptyToNull(secret?.['secret']), proxyUrl, severity: alert.severity };
    return openWebhookNotifier(ports.http, ports.clock, options);
  }
  const known = `known are ${ALERT_TYPES.join(', ')}`;
  return LATER_TYPES.has(provider.type)
    ? `Cannot send ${where}: type "${provider.type}" of AlertProvider "${provider.namespace}/${provider.name}" comes later; ${known}`
    : `Cannot send ${where}: type "${provider.type}" of AlertProvider "${provider.namespace}/${provider.name}" is unknown; ${known}`;
}

/** The Web API where there is a token and no other address, the incoming webhook otherwise. */
function openSlack(http: HttpClient, target: SlackTarget): Notifier | string {
  const { address, token, ...rest } = target;
  if (target.channel === '') return 'the Slack channel is empty';
  const isApi = address?.endsWith(POST_MESSAGE) ?? token !== null;
  // The base of the Web API, as --slack-url may name it; nothing is posted to it by itself.
  const isBase = token !== null && address !== null && /\/api\/?$/.test(address);
  if (isApi || isBase) {
    if (token === null) return 'the Slack Web API needs a token (key "token" of the Secret)';
    const apiUrl = address === null ? SLACK_API_URL : address.replace(/\/(chat\.postMessage)?$/, '');
    return openSlackAppNotifier(http, {
      ...rest,
      username: isDefaultUser(target.username) ? '' : target.username,
      apiUrl,
      token,
    });
  }
  if (address === null) return 'there is neither an address nor a token for Slack';
  return openSlackWebhookNotifier(http, { ...rest, url: address, token });
}

/** A name that nobody chose is not sent to the Web API, where it needs a scope of its own. */
const isDefaultUser = (username: string): boolean => username === 'flagger' || username === 'serin';

const emptyToNull = (text: string | null | undefined): string | null =>
  text === null || text === undefined || text === '' ? null : text;
