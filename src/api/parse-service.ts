// From spec.service as written to what mesh providers read: names, ports and defaults resolved.
import { isObject, type JsonObject } from '../util/json.ts';
import type { CanarySpecInput } from './canary-schema.ts';
import { parseDurationMs } from './duration.ts';
import type { Report } from './problems.ts';
import type { Metadata, ServiceSpec } from './types.ts';

type ServiceInput = NonNullable<CanarySpecInput['service']>;

/** Longest name of a Service and longest label value. */
const LABEL_MAX = 63;

/** Reads spec.service; null when it is missing, with the problem in `report`. */
export function parseService(spec: CanarySpecInput, report: Report): ServiceSpec | null {
  const { service, targetRef } = spec;
  if (service === undefined) {
    report.add('spec.service', 'SPEC_MISSING', 'is missing, must hold at least port');
    return null;
  }
  const apexName = service.name || targetRef.name;
  checkNames(service, targetRef.name, apexName, report);
  checkPortNames(service, report);
  checkTimes(service, report);
  if (typeof service.targetPort === 'number' && (service.targetPort < 0 || service.targetPort > 65_535)) {
    report.add(
      'spec.service.targetPort',
      'SPEC_RANGE',
      `is ${service.targetPort}, must be a port from 1 to 65535 or the name of one`,
    );
  }
  const grpc = service.grpc;
  if (grpc?.methodName && !grpc.serviceName) {
    report.add('spec.service.grpc.methodName', 'SPEC_VALUE', 'is set alone, must come with serviceName');
  }
  return {
    apexName,
    port: service.port,
    portName: service.portName || 'http',
    targetPort: service.targetPort || service.port,
    appProtocol: service.appProtocol || null,
    trafficDistribution: service.trafficDistribution ?? null,
    portDiscovery: service.portDiscovery ?? false,
    headless: service.headless ?? false,
    timeout: service.timeout || null,
    backendTimeout: service.backendTimeout || null,
    gateways: service.gateways ?? [],
    gatewayRefs: (service.gatewayRefs ?? []).map(asWritten),
    hosts: service.hosts ?? [],
    delegation: service.delegation ?? false,
    trafficPolicy: writtenOrNull(service.trafficPolicy),
    match: (service.match ?? []).map(asWritten),
    rewrite: writtenOrNull(service.rewrite),
    retries: retriesOf(service),
    headers: writtenOrNull(service.headers),
    corsPolicy: writtenOrNull(service.corsPolicy),
    meshName: service.meshName || null,
    backends: service.backends ?? [],
    grpc: grpc === undefined ? null : { serviceName: grpc.serviceName || null, methodName: grpc.methodName || null },
    apex: metadataOf(service.apex),
    primary: metadataOf(service.primary),
    canary: metadataOf(service.canary),
    unmanagedMetadata: {
      labels: service.unmanagedMetadata?.labels ?? [],
      annotations: service.unmanagedMetadata?.annotations ?? [],
    },
  };
}

function retriesOf({ retries }: ServiceInput): ServiceSpec['retries'] {
  if (retries === undefined) return null;
  return {
    attempts: retries.attempts ?? 0,
    perTryTimeout: retries.perTryTimeout || null,
    retryOn: retries.retryOn || null,
  };
}

function metadataOf(input: ServiceInput['apex']): Metadata {
  return { labels: { ...input?.labels }, annotations: { ...input?.annotations } };
}

// What zod returns is JSON: its input was.
const asWritten = (value: object): JsonObject => value as JsonObject;
const writtenOrNull = (value: object | undefined): JsonObject | null =>
  isObject(value) ? (value as JsonObject) : null;

/** The names that the controller makes must be names that Kubernetes takes; found out now, not when the first write is refused. */
function checkNames(service: ServiceInput, target: string, apex: string, report: Report): void {
  const apexPath = service.name ? 'spec.service.name' : 'spec.targetRef.name';
  if (!/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(apex)) {
    report.add(
      apexPath,
      'SPEC_NAME',
      `"${apex}" is not a name for a Service, must be lower-case letters, digits and hyphens and begin with a letter`,
    );
  }
  const made = [
    { path: apexPath, name: `${apex}-primary` },
    { path: 'spec.targetRef.name', name: `${target}-primary` },
  ];
  for (const { path, name } of made.filter(
    (one, index) => made.findIndex((other) => other.name === one.name) === index,
  )) {
    if (name.length > LABEL_MAX) {
      report.add(
        path,
        'SPEC_NAME',
        `is too long: "${name}" has ${name.length} characters, must have at most ${LABEL_MAX}`,
      );
    }
  }
}

/** The names of ports that Kubernetes takes: of a Service a DNS label, of a container at most 15 characters with a letter among them. */
function checkPortNames({ portName, targetPort }: ServiceInput, report: Report): void {
  const isLabel = (name: string): boolean => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name);
  if (portName && !isLabel(portName))
    report.add(
      'spec.service.portName',
      'SPEC_NAME',
      `"${portName}" is not a name for a port, must be lower-case letters, digits and hyphens`,
    );
  const isTarget = (name: string): boolean =>
    isLabel(name) && name.length <= 15 && /[a-z]/.test(name) && !name.includes('--');
  if (typeof targetPort === 'string' && targetPort !== '' && !isTarget(targetPort))
    report.add(
      'spec.service.targetPort',
      'SPEC_NAME',
      `"${targetPort}" is not the name of a container's port, must be at most 15 lower-case letters, digits and hyphens`,
    );
}

function checkTimes(service: ServiceInput, report: Report): void {
  const times = [
    ['spec.service.timeout', service.timeout],
    ['spec.service.backendTimeout', service.backendTimeout],
    ['spec.service.retries.perTryTimeout', service.retries?.perTryTimeout],
  ] as const;
  for (const [path, text] of times) {
    if (text && parseDurationMs(text) === null)
      report.add(path, 'SPEC_DURATION', `"${text}" is not a duration, must be such as 15s or 1m`);
  }
}
