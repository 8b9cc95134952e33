// The hardened client and TLS: whom it trusts, and what it says when it does not.
import { generate } from 'selfsigned';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { client, failureOf, get } from './calls.ts';
import { cleanUp, running, serve, serveSecure } from './servers.ts';

afterEach(cleanUp);

describe('TLS', () => {
  let pem: { private: string; cert: string };
  let expired: { private: string; cert: string };
  beforeAll(async () => {
    const names = {
      keySize: 2048,
      extensions: [
        { name: 'basicConstraints' as const, cA: true },
        { name: 'subjectAltName' as const, altNames: [{ type: 7 as const, ip: '127.0.0.1' }] },
      ],
    };
    pem = await generate([{ name: 'commonName', value: 'prometheus.test' }], names);
    expired = await generate([{ name: 'commonName', value: 'prometheus.test' }], {
      ...names,
      notBeforeDate: new Date('2020-01-01'),
      notAfterDate: new Date('2020-02-01'),
    });
  });

  test('trusts the authority given, for that call only', async () => {
    const server = await running(
      serveSecure({ key: pem.private, cert: pem.cert }, (_, response) => void response.end('secure')),
    );
    const http = client();
    expect((await http.send(get(server.url, { caPem: pem.cert }))).body).toBe('secure');
    const error = await failureOf(http.send(get(server.url)));
    expect(error.code).toBe('IO_TLS');
    expect(error.message).toMatch(/the certificate is self-signed/);
  });

  test('a connection that was not verified is never reused for a call that must be', async () => {
    const server = await running(
      serveSecure({ key: pem.private, cert: pem.cert }, (_, response) => void response.end('secure')),
    );
    const http = client();
    expect((await http.send(get(server.url, { insecureTls: true }))).body).toBe('secure');
    expect((await failureOf(http.send(get(server.url)))).code).toBe('IO_TLS');
  });

  test('says when the certificate has expired, is for another host, or the authority cannot be read', async () => {
    const old = await running(
      serveSecure({ key: expired.private, cert: expired.cert }, (_, response) => void response.end()),
    );
    expect((await failureOf(client().send(get(old.url, { caPem: expired.cert })))).message).toMatch(
      /IO_TLS|has expired/,
    );
    const server = await running(
      serveSecure({ key: pem.private, cert: pem.cert }, (_, response) => void response.end()),
    );
    const http = client({ resolve: async () => [{ address: '127.0.0.1', family: 4 }] });
    const other = await failureOf(http.send(get(`https://other.test:${server.port}/`, { caPem: pem.cert })));
    expect(other.message).toMatch(/the certificate is for another host/);
    const plain = await running(serve((_, response) => void response.end()));
    expect((await failureOf(client().send(get(`https://127.0.0.1:${plain.port}/`)))).code).toBe('IO_TLS');
    expect(
      (
        await failureOf(
          client().send(
            get(server.url, { caPem: '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n' }),
          ),
        )
      ).code,
    ).toBe('IO_TLS');
  });
});
