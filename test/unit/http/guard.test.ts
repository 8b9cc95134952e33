// The URL guard's table: which URLs and resolved addresses are refused, in every notation that hides them.
import { describe, expect, test } from 'vitest';
import { RefusedError } from '../../../src/errors.ts';
import { canonicalAddress, classifyAddress } from '../../../src/http/addresses.ts';
import { createUrlGuard, hostnameOf, portOf } from '../../../src/http/guard.ts';

const inCluster = createUrlGuard({
  allowLoopback: false,
  deniedHosts: ['10.96.0.1', 'api.example.com:6443', 'fd00:10:96::1'],
});
const inDemo = createUrlGuard({ allowLoopback: true, deniedHosts: ['127.0.0.1:6443'] });

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  ['no URL', '', /not a valid URL/],
  ['no scheme', 'prometheus:', /scheme must be http or https/],
  ['relative', '/api/v1/query', /not a valid URL/],
  ['space in the host', 'http://a b/', /not a valid URL/],
  ['empty host', 'http:///', /not a valid URL/],
  ['zone id', 'http://[fe80::1%25eth0]/', /not a valid URL/],
  ['port out of range', 'http://prometheus:70000/', /not a valid URL/],
  ['file', 'file:///etc/passwd', /not file/],
  ['ftp', 'ftp://files/', /not ftp/],
  ['gopher', 'gopher://prometheus:9090/_', /not gopher/],
  ['data', 'data:text/plain,1', /not data/],
  ['javascript', 'javascript:1', /not javascript/],
  ['unix socket', 'unix:///var/run/docker.sock', /not unix/],
  ['websocket', 'ws://prometheus/', /not ws/],
  ['AWS metadata', 'http://169.254.169.254/latest/meta-data/', /link-local/],
  ['AWS metadata over https', 'https://169.254.169.254/', /link-local/],
  ['AWS metadata with a port', 'http://169.254.169.254:8080/', /link-local/],
  ['AWS metadata with credentials', 'http://user:pass@169.254.169.254/', /link-local/],
  ['host after credentials', 'http://prometheus@169.254.169.254/', /link-local/],
  ['backslash for slash', 'http:\\\\169.254.169.254\\x', /link-local/],
  ['trailing dot', 'http://169.254.169.254./', /link-local/],
  ['decimal', 'http://2852039166/', /link-local/],
  ['hexadecimal', 'http://0xa9fea9fe/', /link-local/],
  ['hexadecimal octets', 'http://0xa9.0xfe.0xa9.0xfe/', /link-local/],
  ['octal octets', 'http://0251.0376.0251.0376/', /link-local/],
  ['short form', 'http://169.254.43518/', /link-local/],
  ['fullwidth digits', 'http://169.254.169.254/', /link-local/],
  ['ideographic dots', 'http://169。254。169。254/', /link-local/],
  ['percent-encoded', 'http://%31%36%39.254.169.254/', /link-local/],
  ['link-local, first', 'http://169.254.0.1/', /link-local/],
  ['ECS task metadata', 'http://169.254.170.2/v2/credentials', /link-local/],
  ['IPv4-mapped', 'http://[::ffff:169.254.169.254]/', /link-local/],
  ['IPv4-mapped, hexadecimal', 'http://[::ffff:a9fe:a9fe]/', /link-local/],
  ['IPv4-compatible', 'http://[::169.254.169.254]/', /link-local/],
  ['IPv4-translated', 'http://[::ffff:0:a9fe:a9fe]/', /link-local/],
  ['NAT64', 'http://[64:ff9b::169.254.169.254]/', /link-local/],
  ['local NAT64', 'http://[64:ff9b:1::a9fe:a9fe]/', /reserved/],
  ['6to4', 'http://[2002:a9fe:a9fe::1]/', /link-local/],
  ['Teredo', 'http://[2001:0:a9fe:a9fe::1]/', /reserved/],
  ['IPv6 link-local', 'http://[fe80::1]/', /link-local/],
  ['IPv6 link-local, last', 'http://[febf:ffff::1]/', /link-local/],
  ['IPv6 site-local', 'http://[fec0::1]/', /reserved/],
  ['AWS metadata, IPv6', 'http://[fd00:ec2::254]/', /metadata/],
  ['AWS metadata, IPv6 in full', 'http://[fd00:0ec2:0000:0000:0000:0000:0000:0254]/', /metadata/],
  ['Google metadata, IPv6', 'http://[fd20:ce::254]/', /metadata/],
  ['Google metadata', 'http://metadata.google.internal/computeMetadata/v1/', /metadata/],
  ['Google metadata, upper case', 'http://METADATA.GOOGLE.INTERNAL/', /metadata/],
  ['Google metadata, trailing dot', 'http://metadata.google.internal./', /metadata/],
  ['Google metadata, short', 'http://metadata.goog/', /metadata/],
  ['EC2 name', 'http://instance-data.ec2.internal/', /metadata/],
  ['Azure wire server', 'http://168.63.129.16/', /metadata/],
  ['Alibaba metadata', 'http://100.100.100.200/', /metadata/],
  ['unspecified', 'http://0.0.0.0:9090/', /unspecified/],
  ['unspecified, short', 'http://0/', /unspecified/],
  ['this network', 'http://0.1.2.3/', /unspecified/],
  ['unspecified, IPv6', 'http://[::]/', /unspecified/],
  ['unspecified, mapped', 'http://[::ffff:0.0.0.0]/', /unspecified/],
  ['multicast', 'http://224.0.0.251/', /multicast/],
  ['multicast, last', 'http://239.255.255.255/', /multicast/],
  ['multicast, IPv6', 'http://[ff02::1]/', /multicast/],
  ['broadcast', 'http://255.255.255.255/', /reserved/],
  ['IETF protocol assignments', 'http://192.0.0.192/', /reserved/],
  ['loopback', 'http://127.0.0.1:9090/', /loopback/],
  ['loopback, elsewhere in the block', 'http://127.8.8.8/', /loopback/],
  ['loopback, short', 'http://127.1/', /loopback/],
  ['loopback, decimal', 'http://2130706433/', /loopback/],
  ['loopback, octal', 'http://0177.0.0.1/', /loopback/],
  ['loopback, hexadecimal', 'http://0x7f.1/', /loopback/],
  ['loopback, IPv6', 'http://[::1]/', /loopback/],
  ['loopback, IPv6 in full', 'http://[0:0:0:0:0:0:0:1]/', /loopback/],
  ['loopback, mapped', 'http://[::ffff:127.0.0.1]/', /loopback/],
  ['loopback, NAT64', 'http://[64:ff9b::7f00:1]/', /loopback/],
  ['loopback, 6to4', 'http://[2002:7f00:1::]/', /loopback/],
  ['localhost', 'http://localhost:9090/', /loopback/],
  ['localhost, trailing dot', 'http://LocalHost./', /loopback/],
  ['below localhost', 'http://prometheus.localhost/', /loopback/],
  ['API server by address', 'https://10.96.0.1/api', /API server/],
  ['API server by address, another port', 'http://10.96.0.1:8080/', /API server/],
  ['API server, decimal', 'https://174063617/', /API server/],
  ['API server, mapped', 'https://[::ffff:10.96.0.1]/', /API server/],
  ['API server, IPv6', 'https://[fd00:10:96:0::1]/', /API server/],
  ['API server by its own name', 'https://api.example.com:6443/', /API server/],
  ['API server by service name', 'https://kubernetes.default.svc/api', /API server/],
  ['API server by full service name', 'https://kubernetes.default.svc.cluster.local:443/', /API server/],
  ['API server by short name', 'https://kubernetes/', /API server/],
  ['kubelet', 'https://10.0.0.4:10250/pods', /port 10250/],
  ['kubelet, read-only', 'http://10.0.0.4:10255/pods', /port 10255/],
  ['etcd', 'http://etcd:2379/', /port 2379/],
  ['SSH', 'http://bastion:22/', /port 22/],
  ['SMTP', 'http://mail:25/', /port 25/],
  ['Redis', 'http://redis:6379/', /port 6379/],
  ['PostgreSQL', 'http://postgres:5432/', /port 5432/],
];

const ALLOWED: readonly (readonly [string, string])[] = [
  ['a Service', 'http://prometheus.istio-system:9090'],
  ['a Service in full', 'http://prometheus.istio-system.svc.cluster.local:9090/'],
  ['a public host', 'https://hooks.slack.com/services/T/B/x'],
  ['an internationalised host', 'https://bücher.example/'],
  ['with credentials', 'http://user:pass@prometheus:9090/'],
  ['10/8', 'http://10.1.2.3:15020/stats/prometheus'],
  ['172.16/12', 'http://172.20.0.9/'],
  ['192.168/16', 'http://192.168.1.1:9090/'],
  ['100.64/10, where EKS puts pods', 'http://100.64.3.4/'],
  ['class E, where GKE puts pods', 'http://240.10.0.1/'],
  ['198.18/15', 'http://198.18.0.1/'],
  ['IPv6 unique local', 'http://[fd12:3456::1]:9090/'],
  ['IPv6 public', 'http://[2606:4700::1111]/'],
  ['private, mapped', 'http://[::ffff:10.1.2.3]/'],
  ['beside link-local', 'http://169.253.255.255/'],
  ['beside multicast', 'http://223.255.255.255/'],
  ['the API server name on another port', 'https://api.example.com/'],
  ['a host that only looks like the API server', 'http://kubernetes-dashboard.default.svc/'],
  ['a host that only looks like localhost', 'http://notlocalhost/'],
];

describe('createUrlGuard().check()', () => {
  test.each(REFUSED)('refuses: %s', (_, url, why) => {
    expect(() => inCluster.check(url, 'metrics')).toThrow(RefusedError);
    expect(() => inCluster.check(url, 'metrics')).toThrow(why);
    expect(() => inCluster.check(url, 'metrics')).toThrow(/IO_FORBIDDEN_ADDRESS/);
  });

  test.each(ALLOWED)('lets through: %s', (_, url) => {
    expect(inCluster.check(url, 'metrics').href).toBe(new URL(url).href);
  });

  test('lets loopback through with the flag, except the API server there', () => {
    for (const url of ['http://127.0.0.1:9090/', 'http://localhost:9090/', 'http://[::1]:9090/'])
      expect(inDemo.check(url, 'hook')).toBeInstanceOf(URL);
    expect(() => inDemo.check('https://127.0.0.1:6443/', 'hook')).toThrow(/API server/);
    expect(() => inDemo.check('https://[::ffff:127.0.0.1]:6443/', 'hook')).toThrow(/API server/);
    expect(() => inDemo.check('http://169.254.169.254/', 'hook')).toThrow(/link-local/);
    expect(() => inDemo.check('http://0.0.0.0/', 'hook')).toThrow(/unspecified/);
  });

  test('lets through what the administrator vouches for, but never metadata', () => {
    const guard = createUrlGuard({
      allowLoopback: false,
      allowedHosts: ['127.0.0.1:9090', 'sidecar.local', '169.254.169.254', '[::1]:9091'],
      deniedHosts: [],
    });
    expect(guard.check('http://127.0.0.1:9090/', 'metrics')).toBeInstanceOf(URL);
    expect(guard.check('http://[::1]:9091/', 'metrics')).toBeInstanceOf(URL);
    expect(guard.check('http://sidecar.local:6379/', 'metrics')).toBeInstanceOf(URL);
    expect(guard.refusalOf('127.0.0.1', 80, 'sidecar.local')).toBeNull();
    expect(guard.refusalOf('169.254.169.254', 80, 'sidecar.local')).toMatch(/link-local/);
    expect(() => guard.check('http://127.0.0.1:9091/', 'metrics')).toThrow(/loopback/);
    expect(() => guard.check('http://169.254.169.254/', 'metrics')).toThrow(/link-local/);
  });

  test('names the host but nothing else of the URL', () => {
    let message = '';
    try {
      inCluster.check('http://alice:s3cret@127.0.0.1/token/abc?key=def#ghi', 'hook');
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toBe(
      'Cannot call "127.0.0.1" for hook: IO_FORBIDDEN_ADDRESS, loopback addresses are not allowed (flag --allow-loopback)',
    );
  });
});

describe('createUrlGuard().refusalOf()', () => {
  test.each([
    ['127.0.0.1', /loopback/],
    ['::1', /loopback/],
    ['169.254.169.254', /link-local/],
    ['fe80::1%eth0', /link-local/],
    ['::ffff:169.254.169.254', /link-local/],
    ['10.96.0.1', /API server/],
    ['not an address', /reserved/],
    ['', /reserved/],
  ])('refuses %s, whatever the name', (address, why) => {
    expect(inCluster.refusalOf(address, 80, 'harmless.example')).toMatch(why);
  });

  test('lets cluster addresses through', () => {
    expect(inCluster.refusalOf('10.244.1.7', 15020, 'harmless.example')).toBeNull();
  });
});

describe('addresses', () => {
  test('classifyAddress() knows one class for every spelling', () => {
    expect(['127.0.0.1', '::1', '::ffff:7f00:1'].map(classifyAddress)).toEqual(['loopback', 'loopback', 'loopback']);
    expect(['10.0.0.1', 'fd12::1', '8.8.8.8'].map(classifyAddress)).toEqual(['ordinary', 'ordinary', 'ordinary']);
  });

  test('canonicalAddress() unwraps IPv4 in IPv6 and shortens', () => {
    expect(canonicalAddress('::ffff:10.0.0.1')).toBe('10.0.0.1');
    expect(canonicalAddress('FD00:0:0::0001')).toBe('fd00::1');
    expect(canonicalAddress('prometheus')).toBeNull();
  });

  test('hostnameOf() and portOf() read what a socket would use', () => {
    expect(hostnameOf(new URL('http://[::1]:9090/'))).toBe('::1');
    expect(hostnameOf(new URL('http://example.com./'))).toBe('example.com');
    expect([portOf(new URL('http://a/')), portOf(new URL('https://a/')), portOf(new URL('https://a:8443/'))]).toEqual([
      80, 443, 8443,
    ]);
  });
});
