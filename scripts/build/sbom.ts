// The list of what is shipped, for scanners: CycloneDX 1.6 as JSON (https://cyclonedx.org/docs/1.6/json/).
import { createHash } from 'node:crypto';
import type { BundledPackage } from './bundle.ts';

/** A Debian package of which something is in the image. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The release, such as debian-12. */
  readonly distribution: string;
}

/** What is shipped. */
export interface Shipped {
  readonly version: string;
  readonly packages: readonly BundledPackage[];
  /** Of Node; null for the bundle alone, which comes without it. */
  readonly nodeVersion: string | null;
  readonly debian: readonly DebianPackage[];
}

interface Component {
  readonly type: string;
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses?: readonly unknown[];
}

/** The text of the list. The same content always gives the same text: it has no time, and its number follows from what it lists. */
export function sbomText({ version, packages, nodeVersion, debian }: Shipped): string {
  const components = [
    ...packages.map(npmComponent),
    ...(nodeVersion === null ? [] : [component('application', 'node', nodeVersion, `pkg:generic/node@${nodeVersion}`)]),
    ...debian.map(debianComponent),
  ];
  const serin = component('application', 'serin', version, `pkg:generic/serin@${version}`);
  const refs = components.map((one) => one['bom-ref']);
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify([serin, components]))}`,
    version: 1,
    metadata: { component: { ...serin, licenses: [{ expression: 'Apache-2.0' }] } },
    components,
    dependencies: [{ ref: serin['bom-ref'], dependsOn: refs }, ...refs.map((ref) => ({ ref }))],
  };
  return `${JSON.stringify(bom, null, 2)}\n`;
}

function component(type: string, name: string, version: string, purl: string): Component {
  return { type, 'bom-ref': purl, name, version, purl };
}

/** Package URLs: https://github.com/package-url/purl-spec */
function npmComponent({ name, version, licence }: BundledPackage): Component {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const licenses = licence === '' ? {} : { licenses: [{ expression: licence }] };
  return { ...component('library', name, version, purl), ...licenses };
}

function debianComponent({ name, version, architecture, distribution }: DebianPackage): Component {
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}&distro=${distribution}`;
  return component('library', name, version, purl);
}

/** A UUID of version 8, from a digest. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return parts.join('-');
}
