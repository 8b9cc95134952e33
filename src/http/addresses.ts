// Classifies IP addresses: which ones no outgoing call may reach, whatever name or notation they hide behind.
import ipaddr from 'ipaddr.js';

/** `ordinary` covers public and private addresses: Prometheus and hooks live inside the cluster. */
export type AddressClass =
  | 'ordinary'
  | 'loopback'
  | 'unspecified'
  | 'link-local'
  | 'metadata'
  | 'multicast'
  | 'reserved';

/** Addresses at which clouds serve credentials: AWS (fd00:ec2::/32), Google, Azure's wire server, Alibaba. Link-local ones are a class of their own. */
const METADATA = ['168.63.129.16/32', '100.100.100.200/32', 'fd00:ec2::/32', 'fd20:ce::254/128'].map((text) =>
  ipaddr.parseCIDR(text),
);

/** Ranges that ipaddr.js calls reserved although clusters route them (class E, benchmarking and documentation networks). */
const RESERVED = ['192.0.0.0/24', '255.255.255.255/32', '64:ff9b:1::/48', '100::/64', '2001::/32', 'fec0::/10'].map(
  (text) => ipaddr.parseCIDR(text),
);

/** IPv6 networks that carry an IPv4 address, and the byte at which it stands: mapped, compatible, translated, NAT64, 6to4. */
const CARRIERS: readonly { readonly network: [ipaddr.IPv4 | ipaddr.IPv6, number]; readonly byte: number }[] = [
  { network: ipaddr.parseCIDR('::ffff:0:0/96'), byte: 12 },
  { network: ipaddr.parseCIDR('::ffff:0:0:0/96'), byte: 12 },
  { network: ipaddr.parseCIDR('64:ff9b::/96'), byte: 12 },
  { network: ipaddr.parseCIDR('::/96'), byte: 12 },
  { network: ipaddr.parseCIDR('2002::/16'), byte: 2 },
];

const CLASS_OF_RANGE: Readonly<Record<string, AddressClass>> = {
  unspecified: 'unspecified',
  loopback: 'loopback',
  linkLocal: 'link-local',
  multicast: 'multicast',
};

/** The address itself, or the IPv4 address that an IPv6 one carries. */
function unwrap(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (address.kind() === 'ipv4' || address.range() === 'unspecified' || address.range() === 'loopback') return address;
  const carrier = CARRIERS.find(({ network }) => isWithin(address, network));
  if (carrier === undefined) return address;
  return ipaddr.fromByteArray(address.toByteArray().slice(carrier.byte, carrier.byte + 4));
}

function isWithin(address: ipaddr.IPv4 | ipaddr.IPv6, network: [ipaddr.IPv4 | ipaddr.IPv6, number]): boolean {
  return address.kind() === network[0].kind() && address.match(network);
}

/** One spelling for every spelling of an address, IPv4 unwrapped; null when `text` is not an address. */
export function canonicalAddress(text: string): string | null {
  return ipaddr.isValid(text) ? unwrap(ipaddr.parse(text)).toString() : null;
}

/** What kind of address `text` is. Text that is not an address counts as reserved, so that nothing unknown is let through. */
export function classifyAddress(text: string): AddressClass {
  if (!ipaddr.isValid(text)) return 'reserved';
  const address = unwrap(ipaddr.parse(text));
  if (METADATA.some((network) => isWithin(address, network))) return 'metadata';
  if (RESERVED.some((network) => isWithin(address, network))) return 'reserved';
  return CLASS_OF_RANGE[address.range()] ?? 'ordinary';
}
