// The kind AlertProvider: its schema, and its parser.
import type { KubeObject } from '../kube/contract.ts';
import { isHttpUrl, Report, type Problem } from './problems.ts';
import { object, text, URL_MAX } from './schema-kit.ts';
import type { AlertProvider } from './types.ts';

/** Notifiers that an AlertProvider may name. */
export const SERVED_ALERT_TYPES = ['slack', 'webhook'] as const;

const FLAGGER_ALERT_TYPES = ['slack', 'msteams', 'discord', 'rocket', 'gchat'] as const;

/** spec of an AlertProvider. */
export const alertProviderSpecSchema = object(
  'Where alerts are sent. Exactly one of address and secretRef is set.',
  {
    type: text('Kind of the receiver.', 63, {
      byGroup: {
        'serin.dev': { enum: SERVED_ALERT_TYPES },
        'flagger.app': { enum: [...FLAGGER_ALERT_TYPES, 'webhook'] },
      },
    }),
    channel: text('Channel of the chat.', 253, { preset: 'general' }).optional(),
    username: text('Name under which messages appear.', 253, { preset: 'flagger' }).optional(),
    address: text('URL of the receiver.', URL_MAX).optional(),
    proxy: text('URL of a proxy.', URL_MAX).optional(),
    secretRef: object(
      'Secret in the namespace of the AlertProvider: address, and token (Slack Web API) or secret (signing key of the webhook).',
      {
        name: text('Name of the Secret.'),
      },
    ).optional(),
  },
  {
    rules: [
      { rule: 'has(self.address) != has(self.secretRef)', message: 'must have exactly one of address and secretRef' },
    ],
  },
);

/** The outcome of parsing an AlertProvider. */
export type ParsedAlertProvider =
  | { readonly kind: 'valid'; readonly provider: AlertProvider }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };

/** Reads an AlertProvider of either group. Lists every problem; never throws for what it finds. An address may hold a secret, so no message shows one. */
export function parseAlertProvider(resource: KubeObject): ParsedAlertProvider {
  const report = new Report();
  const spec = report.read(alertProviderSpecSchema, resource['spec'], 'spec');
  if (spec === null) return { kind: 'invalid', problems: report.problems };
  if (!SERVED_ALERT_TYPES.some((served) => served === spec.type)) {
    const isLater = FLAGGER_ALERT_TYPES.some((known) => known === spec.type);
    report.add(
      'spec.type',
      isLater ? 'CAPABILITY_ALERT_PROVIDER' : 'SPEC_VALUE',
      `"${spec.type}" ${isLater ? 'comes in a later release' : 'is unknown'}, must be one of ${SERVED_ALERT_TYPES.join(', ')}`,
    );
  }
  const { address = '', secretRef } = spec;
  if ((address === '') === (secretRef === undefined)) {
    report.add(
      'spec',
      'SPEC_MISSING',
      `${address === '' ? 'neither' : 'both'} of address and secretRef set, must be exactly one`,
    );
  }
  if (address !== '' && !isHttpUrl(address))
    report.add('spec.address', 'SPEC_URL', 'is not a URL, must begin with http:// or https://');
  if (spec.proxy && !isHttpUrl(spec.proxy))
    report.add('spec.proxy', 'SPEC_URL', 'is not a URL, must begin with http:// or https://');
  if (report.problems.length > 0) return { kind: 'invalid', problems: report.problems };
  return {
    kind: 'valid',
    provider: {
      namespace: resource.metadata.namespace ?? '',
      name: resource.metadata.name,
      type: spec.type,
      channel: spec.channel || 'general',
      username: spec.username || 'flagger',
      address: address || null,
      proxy: spec.proxy || null,
      secretName: secretRef?.name ?? null,
      options: {},
    },
  };
}
